// Original file: proto/sluice/v1/disk.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { AttachDiskRequest as _sluice_v1_AttachDiskRequest, AttachDiskRequest__Output as _sluice_v1_AttachDiskRequest__Output } from '../../sluice/v1/AttachDiskRequest.js';
import type { DetachDiskRequest as _sluice_v1_DetachDiskRequest, DetachDiskRequest__Output as _sluice_v1_DetachDiskRequest__Output } from '../../sluice/v1/DetachDiskRequest.js';
import type { DetachDiskResponse as _sluice_v1_DetachDiskResponse, DetachDiskResponse__Output as _sluice_v1_DetachDiskResponse__Output } from '../../sluice/v1/DetachDiskResponse.js';
import type { Disk as _sluice_v1_Disk, Disk__Output as _sluice_v1_Disk__Output } from '../../sluice/v1/Disk.js';
import type { ListDisksRequest as _sluice_v1_ListDisksRequest, ListDisksRequest__Output as _sluice_v1_ListDisksRequest__Output } from '../../sluice/v1/ListDisksRequest.js';
import type { ListDisksResponse as _sluice_v1_ListDisksResponse, ListDisksResponse__Output as _sluice_v1_ListDisksResponse__Output } from '../../sluice/v1/ListDisksResponse.js';

export interface DiskServiceClient extends grpc.Client {
  Attach(argument: _sluice_v1_AttachDiskRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_Disk__Output>): grpc.ClientUnaryCall;
  Attach(argument: _sluice_v1_AttachDiskRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_Disk__Output>): grpc.ClientUnaryCall;
  Attach(argument: _sluice_v1_AttachDiskRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_Disk__Output>): grpc.ClientUnaryCall;
  Attach(argument: _sluice_v1_AttachDiskRequest, callback: grpc.requestCallback<_sluice_v1_Disk__Output>): grpc.ClientUnaryCall;
  attach(argument: _sluice_v1_AttachDiskRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_Disk__Output>): grpc.ClientUnaryCall;
  attach(argument: _sluice_v1_AttachDiskRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_Disk__Output>): grpc.ClientUnaryCall;
  attach(argument: _sluice_v1_AttachDiskRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_Disk__Output>): grpc.ClientUnaryCall;
  attach(argument: _sluice_v1_AttachDiskRequest, callback: grpc.requestCallback<_sluice_v1_Disk__Output>): grpc.ClientUnaryCall;
  
  Detach(argument: _sluice_v1_DetachDiskRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_DetachDiskResponse__Output>): grpc.ClientUnaryCall;
  Detach(argument: _sluice_v1_DetachDiskRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_DetachDiskResponse__Output>): grpc.ClientUnaryCall;
  Detach(argument: _sluice_v1_DetachDiskRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_DetachDiskResponse__Output>): grpc.ClientUnaryCall;
  Detach(argument: _sluice_v1_DetachDiskRequest, callback: grpc.requestCallback<_sluice_v1_DetachDiskResponse__Output>): grpc.ClientUnaryCall;
  detach(argument: _sluice_v1_DetachDiskRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_DetachDiskResponse__Output>): grpc.ClientUnaryCall;
  detach(argument: _sluice_v1_DetachDiskRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_DetachDiskResponse__Output>): grpc.ClientUnaryCall;
  detach(argument: _sluice_v1_DetachDiskRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_DetachDiskResponse__Output>): grpc.ClientUnaryCall;
  detach(argument: _sluice_v1_DetachDiskRequest, callback: grpc.requestCallback<_sluice_v1_DetachDiskResponse__Output>): grpc.ClientUnaryCall;
  
  List(argument: _sluice_v1_ListDisksRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_ListDisksResponse__Output>): grpc.ClientUnaryCall;
  List(argument: _sluice_v1_ListDisksRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_ListDisksResponse__Output>): grpc.ClientUnaryCall;
  List(argument: _sluice_v1_ListDisksRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_ListDisksResponse__Output>): grpc.ClientUnaryCall;
  List(argument: _sluice_v1_ListDisksRequest, callback: grpc.requestCallback<_sluice_v1_ListDisksResponse__Output>): grpc.ClientUnaryCall;
  list(argument: _sluice_v1_ListDisksRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_ListDisksResponse__Output>): grpc.ClientUnaryCall;
  list(argument: _sluice_v1_ListDisksRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_ListDisksResponse__Output>): grpc.ClientUnaryCall;
  list(argument: _sluice_v1_ListDisksRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_ListDisksResponse__Output>): grpc.ClientUnaryCall;
  list(argument: _sluice_v1_ListDisksRequest, callback: grpc.requestCallback<_sluice_v1_ListDisksResponse__Output>): grpc.ClientUnaryCall;
  
}

export interface DiskServiceHandlers extends grpc.UntypedServiceImplementation {
  Attach: grpc.handleUnaryCall<_sluice_v1_AttachDiskRequest__Output, _sluice_v1_Disk>;
  
  Detach: grpc.handleUnaryCall<_sluice_v1_DetachDiskRequest__Output, _sluice_v1_DetachDiskResponse>;
  
  List: grpc.handleUnaryCall<_sluice_v1_ListDisksRequest__Output, _sluice_v1_ListDisksResponse>;
  
}

export interface DiskServiceDefinition extends grpc.ServiceDefinition {
  Attach: MethodDefinition<_sluice_v1_AttachDiskRequest, _sluice_v1_Disk, _sluice_v1_AttachDiskRequest__Output, _sluice_v1_Disk__Output>
  Detach: MethodDefinition<_sluice_v1_DetachDiskRequest, _sluice_v1_DetachDiskResponse, _sluice_v1_DetachDiskRequest__Output, _sluice_v1_DetachDiskResponse__Output>
  List: MethodDefinition<_sluice_v1_ListDisksRequest, _sluice_v1_ListDisksResponse, _sluice_v1_ListDisksRequest__Output, _sluice_v1_ListDisksResponse__Output>
}
