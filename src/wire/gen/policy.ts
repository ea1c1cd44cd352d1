import type * as grpc from '@grpc/grpc-js';
import type { EnumTypeDefinition, MessageTypeDefinition } from '@grpc/proto-loader';

import type { ApplyPoliciesRequest as _sluice_v1_ApplyPoliciesRequest, ApplyPoliciesRequest__Output as _sluice_v1_ApplyPoliciesRequest__Output } from './sluice/v1/ApplyPoliciesRequest.js';
import type { ApplyPoliciesResponse as _sluice_v1_ApplyPoliciesResponse, ApplyPoliciesResponse__Output as _sluice_v1_ApplyPoliciesResponse__Output } from './sluice/v1/ApplyPoliciesResponse.js';
import type { DeletePolicyRequest as _sluice_v1_DeletePolicyRequest, DeletePolicyRequest__Output as _sluice_v1_DeletePolicyRequest__Output } from './sluice/v1/DeletePolicyRequest.js';
import type { DeletePolicyResponse as _sluice_v1_DeletePolicyResponse, DeletePolicyResponse__Output as _sluice_v1_DeletePolicyResponse__Output } from './sluice/v1/DeletePolicyResponse.js';
import type { GetPolicyRequest as _sluice_v1_GetPolicyRequest, GetPolicyRequest__Output as _sluice_v1_GetPolicyRequest__Output } from './sluice/v1/GetPolicyRequest.js';
import type { ListPoliciesRequest as _sluice_v1_ListPoliciesRequest, ListPoliciesRequest__Output as _sluice_v1_ListPoliciesRequest__Output } from './sluice/v1/ListPoliciesRequest.js';
import type { ListPoliciesResponse as _sluice_v1_ListPoliciesResponse, ListPoliciesResponse__Output as _sluice_v1_ListPoliciesResponse__Output } from './sluice/v1/ListPoliciesResponse.js';
import type { Policy as _sluice_v1_Policy, Policy__Output as _sluice_v1_Policy__Output } from './sluice/v1/Policy.js';
import type { PolicyChange as _sluice_v1_PolicyChange, PolicyChange__Output as _sluice_v1_PolicyChange__Output } from './sluice/v1/PolicyChange.js';
import type { PolicyServiceClient as _sluice_v1_PolicyServiceClient, PolicyServiceDefinition as _sluice_v1_PolicyServiceDefinition } from './sluice/v1/PolicyService.js';
import type { PutPolicyRequest as _sluice_v1_PutPolicyRequest, PutPolicyRequest__Output as _sluice_v1_PutPolicyRequest__Output } from './sluice/v1/PutPolicyRequest.js';
import type { WatchPoliciesRequest as _sluice_v1_WatchPoliciesRequest, WatchPoliciesRequest__Output as _sluice_v1_WatchPoliciesRequest__Output } from './sluice/v1/WatchPoliciesRequest.js';
import type { WatchPoliciesResponse as _sluice_v1_WatchPoliciesResponse, WatchPoliciesResponse__Output as _sluice_v1_WatchPoliciesResponse__Output } from './sluice/v1/WatchPoliciesResponse.js';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  sluice: {
    v1: {
      ApplyPoliciesRequest: MessageTypeDefinition<_sluice_v1_ApplyPoliciesRequest, _sluice_v1_ApplyPoliciesRequest__Output>
      ApplyPoliciesResponse: MessageTypeDefinition<_sluice_v1_ApplyPoliciesResponse, _sluice_v1_ApplyPoliciesResponse__Output>
      ChangeKind: EnumTypeDefinition
      DeletePolicyRequest: MessageTypeDefinition<_sluice_v1_DeletePolicyRequest, _sluice_v1_DeletePolicyRequest__Output>
      DeletePolicyResponse: MessageTypeDefinition<_sluice_v1_DeletePolicyResponse, _sluice_v1_DeletePolicyResponse__Output>
      GetPolicyRequest: MessageTypeDefinition<_sluice_v1_GetPolicyRequest, _sluice_v1_GetPolicyRequest__Output>
      ListPoliciesRequest: MessageTypeDefinition<_sluice_v1_ListPoliciesRequest, _sluice_v1_ListPoliciesRequest__Output>
      ListPoliciesResponse: MessageTypeDefinition<_sluice_v1_ListPoliciesResponse, _sluice_v1_ListPoliciesResponse__Output>
      Policy: MessageTypeDefinition<_sluice_v1_Policy, _sluice_v1_Policy__Output>
      PolicyChange: MessageTypeDefinition<_sluice_v1_PolicyChange, _sluice_v1_PolicyChange__Output>
      PolicyService: SubtypeConstructor<typeof grpc.Client, _sluice_v1_PolicyServiceClient> & { service: _sluice_v1_PolicyServiceDefinition }
      PutPolicyRequest: MessageTypeDefinition<_sluice_v1_PutPolicyRequest, _sluice_v1_PutPolicyRequest__Output>
      WatchPoliciesRequest: MessageTypeDefinition<_sluice_v1_WatchPoliciesRequest, _sluice_v1_WatchPoliciesRequest__Output>
      WatchPoliciesResponse: MessageTypeDefinition<_sluice_v1_WatchPoliciesResponse, _sluice_v1_WatchPoliciesResponse__Output>
    }
  }
}

