import type * as grpc from '@grpc/grpc-js';
import type { MessageTypeDefinition } from '@grpc/proto-loader';

import type { AttachDiskRequest as _sluice_v1_AttachDiskRequest, AttachDiskRequest__Output as _sluice_v1_AttachDiskRequest__Output } from './sluice/v1/AttachDiskRequest.js';
import type { DetachDiskRequest as _sluice_v1_DetachDiskRequest, DetachDiskRequest__Output as _sluice_v1_DetachDiskRequest__Output } from './sluice/v1/DetachDiskRequest.js';
import type { DetachDiskResponse as _sluice_v1_DetachDiskResponse, DetachDiskResponse__Output as _sluice_v1_DetachDiskResponse__Output } from './sluice/v1/DetachDiskResponse.js';
import type { Disk as _sluice_v1_Disk, Disk__Output as _sluice_v1_Disk__Output } from './sluice/v1/Disk.js';
import type { DiskServiceClient as _sluice_v1_DiskServiceClient, DiskServiceDefinition as _sluice_v1_DiskServiceDefinition } from './sluice/v1/DiskService.js';
import type { ListDisksRequest as _sluice_v1_ListDisksRequest, ListDisksRequest__Output as _sluice_v1_ListDisksRequest__Output } from './sluice/v1/ListDisksRequest.js';
import type { ListDisksResponse as _sluice_v1_ListDisksResponse, ListDisksResponse__Output as _sluice_v1_ListDisksResponse__Output } from './sluice/v1/ListDisksResponse.js';
import type { PriorityName as _sluice_v1_PriorityName, PriorityName__Output as _sluice_v1_PriorityName__Output } from './sluice/v1/PriorityName.js';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  sluice: {
    v1: {
      AttachDiskRequest: MessageTypeDefinition<_sluice_v1_AttachDiskRequest, _sluice_v1_AttachDiskRequest__Output>
      DetachDiskRequest: MessageTypeDefinition<_sluice_v1_DetachDiskRequest, _sluice_v1_DetachDiskRequest__Output>
      DetachDiskResponse: MessageTypeDefinition<_sluice_v1_DetachDiskResponse, _sluice_v1_DetachDiskResponse__Output>
      Disk: MessageTypeDefinition<_sluice_v1_Disk, _sluice_v1_Disk__Output>
      DiskService: SubtypeConstructor<typeof grpc.Client, _sluice_v1_DiskServiceClient> & { service: _sluice_v1_DiskServiceDefinition }
      ListDisksRequest: MessageTypeDefinition<_sluice_v1_ListDisksRequest, _sluice_v1_ListDisksRequest__Output>
      ListDisksResponse: MessageTypeDefinition<_sluice_v1_ListDisksResponse, _sluice_v1_ListDisksResponse__Output>
      PriorityName: MessageTypeDefinition<_sluice_v1_PriorityName, _sluice_v1_PriorityName__Output>
    }
  }
}

