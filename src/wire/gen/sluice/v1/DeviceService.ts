// Original file: proto/sluice/v1/device.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { CalibrateDeviceRequest as _sluice_v1_CalibrateDeviceRequest, CalibrateDeviceRequest__Output as _sluice_v1_CalibrateDeviceRequest__Output } from '../../sluice/v1/CalibrateDeviceRequest.js';
import type { CalibrateDeviceResponse as _sluice_v1_CalibrateDeviceResponse, CalibrateDeviceResponse__Output as _sluice_v1_CalibrateDeviceResponse__Output } from '../../sluice/v1/CalibrateDeviceResponse.js';
import type { CreateDeviceRequest as _sluice_v1_CreateDeviceRequest, CreateDeviceRequest__Output as _sluice_v1_CreateDeviceRequest__Output } from '../../sluice/v1/CreateDeviceRequest.js';
import type { DeleteDeviceRequest as _sluice_v1_DeleteDeviceRequest, DeleteDeviceRequest__Output as _sluice_v1_DeleteDeviceRequest__Output } from '../../sluice/v1/DeleteDeviceRequest.js';
import type { DeleteDeviceResponse as _sluice_v1_DeleteDeviceResponse, DeleteDeviceResponse__Output as _sluice_v1_DeleteDeviceResponse__Output } from '../../sluice/v1/DeleteDeviceResponse.js';
import type { Device as _sluice_v1_Device, Device__Output as _sluice_v1_Device__Output } from '../../sluice/v1/Device.js';
import type { DrainDeviceRequest as _sluice_v1_DrainDeviceRequest, DrainDeviceRequest__Output as _sluice_v1_DrainDeviceRequest__Output } from '../../sluice/v1/DrainDeviceRequest.js';
import type { GetDeviceRequest as _sluice_v1_GetDeviceRequest, GetDeviceRequest__Output as _sluice_v1_GetDeviceRequest__Output } from '../../sluice/v1/GetDeviceRequest.js';
import type { ListDevicesRequest as _sluice_v1_ListDevicesRequest, ListDevicesRequest__Output as _sluice_v1_ListDevicesRequest__Output } from '../../sluice/v1/ListDevicesRequest.js';
import type { ListDevicesResponse as _sluice_v1_ListDevicesResponse, ListDevicesResponse__Output as _sluice_v1_ListDevicesResponse__Output } from '../../sluice/v1/ListDevicesResponse.js';
import type { UpdateDeviceRequest as _sluice_v1_UpdateDeviceRequest, UpdateDeviceRequest__Output as _sluice_v1_UpdateDeviceRequest__Output } from '../../sluice/v1/UpdateDeviceRequest.js';

export interface DeviceServiceClient extends grpc.Client {
  Calibrate(argument: _sluice_v1_CalibrateDeviceRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_sluice_v1_CalibrateDeviceResponse__Output>;
  Calibrate(argument: _sluice_v1_CalibrateDeviceRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_sluice_v1_CalibrateDeviceResponse__Output>;
  calibrate(argument: _sluice_v1_CalibrateDeviceRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_sluice_v1_CalibrateDeviceResponse__Output>;
  calibrate(argument: _sluice_v1_CalibrateDeviceRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_sluice_v1_CalibrateDeviceResponse__Output>;
  
  Create(argument: _sluice_v1_CreateDeviceRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_Device__Output>): grpc.ClientUnaryCall;
  Create(argument: _sluice_v1_CreateDeviceRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_Device__Output>): grpc.ClientUnaryCall;
  Create(argument: _sluice_v1_CreateDeviceRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_Device__Output>): grpc.ClientUnaryCall;
  Create(argument: _sluice_v1_CreateDeviceRequest, callback: grpc.requestCallback<_sluice_v1_Device__Output>): grpc.ClientUnaryCall;
  create(argument: _sluice_v1_CreateDeviceRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_Device__Output>): grpc.ClientUnaryCall;
  create(argument: _sluice_v1_CreateDeviceRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_Device__Output>): grpc.ClientUnaryCall;
  create(argument: _sluice_v1_CreateDeviceRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_Device__Output>): grpc.ClientUnaryCall;
  create(argument: _sluice_v1_CreateDeviceRequest, callback: grpc.requestCallback<_sluice_v1_Device__Output>): grpc.ClientUnaryCall;
  
  Delete(argument: _sluice_v1_DeleteDeviceRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_DeleteDeviceResponse__Output>): grpc.ClientUnaryCall;
  Delete(argument: _sluice_v1_DeleteDeviceRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_DeleteDeviceResponse__Output>): grpc.ClientUnaryCall;
  Delete(argument: _sluice_v1_DeleteDeviceRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_DeleteDeviceResponse__Output>): grpc.ClientUnaryCall;
  Delete(argument: _sluice_v1_DeleteDeviceRequest, callback: grpc.requestCallback<_sluice_v1_DeleteDeviceResponse__Output>): grpc.ClientUnaryCall;
  delete(argument: _sluice_v1_DeleteDeviceRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_DeleteDeviceResponse__Output>): grpc.ClientUnaryCall;
  delete(argument: _sluice_v1_DeleteDeviceRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_DeleteDeviceResponse__Output>): grpc.ClientUnaryCall;
  delete(argument: _sluice_v1_DeleteDeviceRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_DeleteDeviceResponse__Output>): grpc.ClientUnaryCall;
  delete(argument: _sluice_v1_DeleteDeviceRequest, callback: grpc.requestCallback<_sluice_v1_DeleteDeviceResponse__Output>): grpc.ClientUnaryCall;
  
  Drain(argument: _sluice_v1_DrainDeviceRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_Device__Output>): grpc.ClientUnaryCall;
  Drain(argument: _sluice_v1_DrainDeviceRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_Device__Output>): grpc.ClientUnaryCall;
  Drain(argument: _sluice_v1_DrainDeviceRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_Device__Output>): grpc.ClientUnaryCall;
  Drain(argument: _sluice_v1_DrainDeviceRequest, callback: grpc.requestCallback<_sluice_v1_Device__Output>): grpc.ClientUnaryCall;
  drain(argument: _sluice_v1_DrainDeviceRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_Device__Output>): grpc.ClientUnaryCall;
  drain(argument: _sluice_v1_DrainDeviceRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_Device__Output>): grpc.ClientUnaryCall;
  drain(argument: _sluice_v1_DrainDeviceRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_Device__Output>): grpc.ClientUnaryCall;
  drain(argument: _sluice_v1_DrainDeviceRequest, callback: grpc.requestCallback<_sluice_v1_Device__Output>): grpc.ClientUnaryCall;
  
  Get(argument: _sluice_v1_GetDeviceRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_Device__Output>): grpc.ClientUnaryCall;
  Get(argument: _sluice_v1_GetDeviceRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_Device__Output>): grpc.ClientUnaryCall;
  Get(argument: _sluice_v1_GetDeviceRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_Device__Output>): grpc.ClientUnaryCall;
  Get(argument: _sluice_v1_GetDeviceRequest, callback: grpc.requestCallback<_sluice_v1_Device__Output>): grpc.ClientUnaryCall;
  get(argument: _sluice_v1_GetDeviceRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_Device__Output>): grpc.ClientUnaryCall;
  get(argument: _sluice_v1_GetDeviceRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_Device__Output>): grpc.ClientUnaryCall;
  get(argument: _sluice_v1_GetDeviceRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_Device__Output>): grpc.ClientUnaryCall;
  get(argument: _sluice_v1_GetDeviceRequest, callback: grpc.requestCallback<_sluice_v1_Device__Output>): grpc.ClientUnaryCall;
  
  List(argument: _sluice_v1_ListDevicesRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_ListDevicesResponse__Output>): grpc.ClientUnaryCall;
  List(argument: _sluice_v1_ListDevicesRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_ListDevicesResponse__Output>): grpc.ClientUnaryCall;
  List(argument: _sluice_v1_ListDevicesRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_ListDevicesResponse__Output>): grpc.ClientUnaryCall;
  List(argument: _sluice_v1_ListDevicesRequest, callback: grpc.requestCallback<_sluice_v1_ListDevicesResponse__Output>): grpc.ClientUnaryCall;
  list(argument: _sluice_v1_ListDevicesRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_ListDevicesResponse__Output>): grpc.ClientUnaryCall;
  list(argument: _sluice_v1_ListDevicesRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_ListDevicesResponse__Output>): grpc.ClientUnaryCall;
  list(argument: _sluice_v1_ListDevicesRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_ListDevicesResponse__Output>): grpc.ClientUnaryCall;
  list(argument: _sluice_v1_ListDevicesRequest, callback: grpc.requestCallback<_sluice_v1_ListDevicesResponse__Output>): grpc.ClientUnaryCall;
  
  Update(argument: _sluice_v1_UpdateDeviceRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_Device__Output>): grpc.ClientUnaryCall;
  Update(argument: _sluice_v1_UpdateDeviceRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_Device__Output>): grpc.ClientUnaryCall;
  Update(argument: _sluice_v1_UpdateDeviceRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_Device__Output>): grpc.ClientUnaryCall;
  Update(argument: _sluice_v1_UpdateDeviceRequest, callback: grpc.requestCallback<_sluice_v1_Device__Output>): grpc.ClientUnaryCall;
  update(argument: _sluice_v1_UpdateDeviceRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_Device__Output>): grpc.ClientUnaryCall;
  update(argument: _sluice_v1_UpdateDeviceRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_Device__Output>): grpc.ClientUnaryCall;
  update(argument: _sluice_v1_UpdateDeviceRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_Device__Output>): grpc.ClientUnaryCall;
  update(argument: _sluice_v1_UpdateDeviceRequest, callback: grpc.requestCallback<_sluice_v1_Device__Output>): grpc.ClientUnaryCall;
  
}

export interface DeviceServiceHandlers extends grpc.UntypedServiceImplementation {
  Calibrate: grpc.handleServerStreamingCall<_sluice_v1_CalibrateDeviceRequest__Output, _sluice_v1_CalibrateDeviceResponse>;
  
  Create: grpc.handleUnaryCall<_sluice_v1_CreateDeviceRequest__Output, _sluice_v1_Device>;
  
  Delete: grpc.handleUnaryCall<_sluice_v1_DeleteDeviceRequest__Output, _sluice_v1_DeleteDeviceResponse>;
  
  Drain: grpc.handleUnaryCall<_sluice_v1_DrainDeviceRequest__Output, _sluice_v1_Device>;
  
  Get: grpc.handleUnaryCall<_sluice_v1_GetDeviceRequest__Output, _sluice_v1_Device>;
  
  List: grpc.handleUnaryCall<_sluice_v1_ListDevicesRequest__Output, _sluice_v1_ListDevicesResponse>;
  
  Update: grpc.handleUnaryCall<_sluice_v1_UpdateDeviceRequest__Output, _sluice_v1_Device>;
  
}

export interface DeviceServiceDefinition extends grpc.ServiceDefinition {
  Calibrate: MethodDefinition<_sluice_v1_CalibrateDeviceRequest, _sluice_v1_CalibrateDeviceResponse, _sluice_v1_CalibrateDeviceRequest__Output, _sluice_v1_CalibrateDeviceResponse__Output>
  Create: MethodDefinition<_sluice_v1_CreateDeviceRequest, _sluice_v1_Device, _sluice_v1_CreateDeviceRequest__Output, _sluice_v1_Device__Output>
  Delete: MethodDefinition<_sluice_v1_DeleteDeviceRequest, _sluice_v1_DeleteDeviceResponse, _sluice_v1_DeleteDeviceRequest__Output, _sluice_v1_DeleteDeviceResponse__Output>
  Drain: MethodDefinition<_sluice_v1_DrainDeviceRequest, _sluice_v1_Device, _sluice_v1_DrainDeviceRequest__Output, _sluice_v1_Device__Output>
  Get: MethodDefinition<_sluice_v1_GetDeviceRequest, _sluice_v1_Device, _sluice_v1_GetDeviceRequest__Output, _sluice_v1_Device__Output>
  List: MethodDefinition<_sluice_v1_ListDevicesRequest, _sluice_v1_ListDevicesResponse, _sluice_v1_ListDevicesRequest__Output, _sluice_v1_ListDevicesResponse__Output>
  Update: MethodDefinition<_sluice_v1_UpdateDeviceRequest, _sluice_v1_Device, _sluice_v1_UpdateDeviceRequest__Output, _sluice_v1_Device__Output>
}
