import type * as grpc from '@grpc/grpc-js';
import type { EnumTypeDefinition, MessageTypeDefinition } from '@grpc/proto-loader';

import type { CalibrateDeviceRequest as _sluice_v1_CalibrateDeviceRequest, CalibrateDeviceRequest__Output as _sluice_v1_CalibrateDeviceRequest__Output } from './sluice/v1/CalibrateDeviceRequest.js';
import type { CalibrateDeviceResponse as _sluice_v1_CalibrateDeviceResponse, CalibrateDeviceResponse__Output as _sluice_v1_CalibrateDeviceResponse__Output } from './sluice/v1/CalibrateDeviceResponse.js';
import type { CreateDeviceRequest as _sluice_v1_CreateDeviceRequest, CreateDeviceRequest__Output as _sluice_v1_CreateDeviceRequest__Output } from './sluice/v1/CreateDeviceRequest.js';
import type { DeleteDeviceRequest as _sluice_v1_DeleteDeviceRequest, DeleteDeviceRequest__Output as _sluice_v1_DeleteDeviceRequest__Output } from './sluice/v1/DeleteDeviceRequest.js';
import type { DeleteDeviceResponse as _sluice_v1_DeleteDeviceResponse, DeleteDeviceResponse__Output as _sluice_v1_DeleteDeviceResponse__Output } from './sluice/v1/DeleteDeviceResponse.js';
import type { Device as _sluice_v1_Device, Device__Output as _sluice_v1_Device__Output } from './sluice/v1/Device.js';
import type { DeviceServiceClient as _sluice_v1_DeviceServiceClient, DeviceServiceDefinition as _sluice_v1_DeviceServiceDefinition } from './sluice/v1/DeviceService.js';
import type { DeviceSettings as _sluice_v1_DeviceSettings, DeviceSettings__Output as _sluice_v1_DeviceSettings__Output } from './sluice/v1/DeviceSettings.js';
import type { DrainDeviceRequest as _sluice_v1_DrainDeviceRequest, DrainDeviceRequest__Output as _sluice_v1_DrainDeviceRequest__Output } from './sluice/v1/DrainDeviceRequest.js';
import type { FairSettings as _sluice_v1_FairSettings, FairSettings__Output as _sluice_v1_FairSettings__Output } from './sluice/v1/FairSettings.js';
import type { GetDeviceRequest as _sluice_v1_GetDeviceRequest, GetDeviceRequest__Output as _sluice_v1_GetDeviceRequest__Output } from './sluice/v1/GetDeviceRequest.js';
import type { ListDevicesRequest as _sluice_v1_ListDevicesRequest, ListDevicesRequest__Output as _sluice_v1_ListDevicesRequest__Output } from './sluice/v1/ListDevicesRequest.js';
import type { ListDevicesResponse as _sluice_v1_ListDevicesResponse, ListDevicesResponse__Output as _sluice_v1_ListDevicesResponse__Output } from './sluice/v1/ListDevicesResponse.js';
import type { Simulation as _sluice_v1_Simulation, Simulation__Output as _sluice_v1_Simulation__Output } from './sluice/v1/Simulation.js';
import type { StrideSettings as _sluice_v1_StrideSettings, StrideSettings__Output as _sluice_v1_StrideSettings__Output } from './sluice/v1/StrideSettings.js';
import type { UpdateDeviceRequest as _sluice_v1_UpdateDeviceRequest, UpdateDeviceRequest__Output as _sluice_v1_UpdateDeviceRequest__Output } from './sluice/v1/UpdateDeviceRequest.js';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  sluice: {
    v1: {
      CalibrateDeviceRequest: MessageTypeDefinition<_sluice_v1_CalibrateDeviceRequest, _sluice_v1_CalibrateDeviceRequest__Output>
      CalibrateDeviceResponse: MessageTypeDefinition<_sluice_v1_CalibrateDeviceResponse, _sluice_v1_CalibrateDeviceResponse__Output>
      CreateDeviceRequest: MessageTypeDefinition<_sluice_v1_CreateDeviceRequest, _sluice_v1_CreateDeviceRequest__Output>
      DeleteDeviceRequest: MessageTypeDefinition<_sluice_v1_DeleteDeviceRequest, _sluice_v1_DeleteDeviceRequest__Output>
      DeleteDeviceResponse: MessageTypeDefinition<_sluice_v1_DeleteDeviceResponse, _sluice_v1_DeleteDeviceResponse__Output>
      Device: MessageTypeDefinition<_sluice_v1_Device, _sluice_v1_Device__Output>
      DeviceService: SubtypeConstructor<typeof grpc.Client, _sluice_v1_DeviceServiceClient> & { service: _sluice_v1_DeviceServiceDefinition }
      DeviceSettings: MessageTypeDefinition<_sluice_v1_DeviceSettings, _sluice_v1_DeviceSettings__Output>
      DeviceState: EnumTypeDefinition
      DrainDeviceRequest: MessageTypeDefinition<_sluice_v1_DrainDeviceRequest, _sluice_v1_DrainDeviceRequest__Output>
      FairSettings: MessageTypeDefinition<_sluice_v1_FairSettings, _sluice_v1_FairSettings__Output>
      GetDeviceRequest: MessageTypeDefinition<_sluice_v1_GetDeviceRequest, _sluice_v1_GetDeviceRequest__Output>
      ListDevicesRequest: MessageTypeDefinition<_sluice_v1_ListDevicesRequest, _sluice_v1_ListDevicesRequest__Output>
      ListDevicesResponse: MessageTypeDefinition<_sluice_v1_ListDevicesResponse, _sluice_v1_ListDevicesResponse__Output>
      Simulation: MessageTypeDefinition<_sluice_v1_Simulation, _sluice_v1_Simulation__Output>
      StrideSettings: MessageTypeDefinition<_sluice_v1_StrideSettings, _sluice_v1_StrideSettings__Output>
      UpdateDeviceRequest: MessageTypeDefinition<_sluice_v1_UpdateDeviceRequest, _sluice_v1_UpdateDeviceRequest__Output>
    }
  }
}

