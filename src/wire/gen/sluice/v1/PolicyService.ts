// Original file: proto/sluice/v1/policy.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { ApplyPoliciesRequest as _sluice_v1_ApplyPoliciesRequest, ApplyPoliciesRequest__Output as _sluice_v1_ApplyPoliciesRequest__Output } from '../../sluice/v1/ApplyPoliciesRequest.js';
import type { ApplyPoliciesResponse as _sluice_v1_ApplyPoliciesResponse, ApplyPoliciesResponse__Output as _sluice_v1_ApplyPoliciesResponse__Output } from '../../sluice/v1/ApplyPoliciesResponse.js';
import type { DeletePolicyRequest as _sluice_v1_DeletePolicyRequest, DeletePolicyRequest__Output as _sluice_v1_DeletePolicyRequest__Output } from '../../sluice/v1/DeletePolicyRequest.js';
import type { DeletePolicyResponse as _sluice_v1_DeletePolicyResponse, DeletePolicyResponse__Output as _sluice_v1_DeletePolicyResponse__Output } from '../../sluice/v1/DeletePolicyResponse.js';
import type { GetPolicyRequest as _sluice_v1_GetPolicyRequest, GetPolicyRequest__Output as _sluice_v1_GetPolicyRequest__Output } from '../../sluice/v1/GetPolicyRequest.js';
import type { ListPoliciesRequest as _sluice_v1_ListPoliciesRequest, ListPoliciesRequest__Output as _sluice_v1_ListPoliciesRequest__Output } from '../../sluice/v1/ListPoliciesRequest.js';
import type { ListPoliciesResponse as _sluice_v1_ListPoliciesResponse, ListPoliciesResponse__Output as _sluice_v1_ListPoliciesResponse__Output } from '../../sluice/v1/ListPoliciesResponse.js';
import type { Policy as _sluice_v1_Policy, Policy__Output as _sluice_v1_Policy__Output } from '../../sluice/v1/Policy.js';
import type { PutPolicyRequest as _sluice_v1_PutPolicyRequest, PutPolicyRequest__Output as _sluice_v1_PutPolicyRequest__Output } from '../../sluice/v1/PutPolicyRequest.js';
import type { WatchPoliciesRequest as _sluice_v1_WatchPoliciesRequest, WatchPoliciesRequest__Output as _sluice_v1_WatchPoliciesRequest__Output } from '../../sluice/v1/WatchPoliciesRequest.js';
import type { WatchPoliciesResponse as _sluice_v1_WatchPoliciesResponse, WatchPoliciesResponse__Output as _sluice_v1_WatchPoliciesResponse__Output } from '../../sluice/v1/WatchPoliciesResponse.js';

export interface PolicyServiceClient extends grpc.Client {
  Apply(argument: _sluice_v1_ApplyPoliciesRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_ApplyPoliciesResponse__Output>): grpc.ClientUnaryCall;
  Apply(argument: _sluice_v1_ApplyPoliciesRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_ApplyPoliciesResponse__Output>): grpc.ClientUnaryCall;
  Apply(argument: _sluice_v1_ApplyPoliciesRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_ApplyPoliciesResponse__Output>): grpc.ClientUnaryCall;
  Apply(argument: _sluice_v1_ApplyPoliciesRequest, callback: grpc.requestCallback<_sluice_v1_ApplyPoliciesResponse__Output>): grpc.ClientUnaryCall;
  apply(argument: _sluice_v1_ApplyPoliciesRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_ApplyPoliciesResponse__Output>): grpc.ClientUnaryCall;
  apply(argument: _sluice_v1_ApplyPoliciesRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_ApplyPoliciesResponse__Output>): grpc.ClientUnaryCall;
  apply(argument: _sluice_v1_ApplyPoliciesRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_ApplyPoliciesResponse__Output>): grpc.ClientUnaryCall;
  apply(argument: _sluice_v1_ApplyPoliciesRequest, callback: grpc.requestCallback<_sluice_v1_ApplyPoliciesResponse__Output>): grpc.ClientUnaryCall;
  
  Delete(argument: _sluice_v1_DeletePolicyRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_DeletePolicyResponse__Output>): grpc.ClientUnaryCall;
  Delete(argument: _sluice_v1_DeletePolicyRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_DeletePolicyResponse__Output>): grpc.ClientUnaryCall;
  Delete(argument: _sluice_v1_DeletePolicyRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_DeletePolicyResponse__Output>): grpc.ClientUnaryCall;
  Delete(argument: _sluice_v1_DeletePolicyRequest, callback: grpc.requestCallback<_sluice_v1_DeletePolicyResponse__Output>): grpc.ClientUnaryCall;
  delete(argument: _sluice_v1_DeletePolicyRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_DeletePolicyResponse__Output>): grpc.ClientUnaryCall;
  delete(argument: _sluice_v1_DeletePolicyRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_DeletePolicyResponse__Output>): grpc.ClientUnaryCall;
  delete(argument: _sluice_v1_DeletePolicyRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_DeletePolicyResponse__Output>): grpc.ClientUnaryCall;
  delete(argument: _sluice_v1_DeletePolicyRequest, callback: grpc.requestCallback<_sluice_v1_DeletePolicyResponse__Output>): grpc.ClientUnaryCall;
  
  Get(argument: _sluice_v1_GetPolicyRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_Policy__Output>): grpc.ClientUnaryCall;
  Get(argument: _sluice_v1_GetPolicyRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_Policy__Output>): grpc.ClientUnaryCall;
  Get(argument: _sluice_v1_GetPolicyRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_Policy__Output>): grpc.ClientUnaryCall;
  Get(argument: _sluice_v1_GetPolicyRequest, callback: grpc.requestCallback<_sluice_v1_Policy__Output>): grpc.ClientUnaryCall;
  get(argument: _sluice_v1_GetPolicyRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_Policy__Output>): grpc.ClientUnaryCall;
  get(argument: _sluice_v1_GetPolicyRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_Policy__Output>): grpc.ClientUnaryCall;
  get(argument: _sluice_v1_GetPolicyRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_Policy__Output>): grpc.ClientUnaryCall;
  get(argument: _sluice_v1_GetPolicyRequest, callback: grpc.requestCallback<_sluice_v1_Policy__Output>): grpc.ClientUnaryCall;
  
  List(argument: _sluice_v1_ListPoliciesRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_ListPoliciesResponse__Output>): grpc.ClientUnaryCall;
  List(argument: _sluice_v1_ListPoliciesRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_ListPoliciesResponse__Output>): grpc.ClientUnaryCall;
  List(argument: _sluice_v1_ListPoliciesRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_ListPoliciesResponse__Output>): grpc.ClientUnaryCall;
  List(argument: _sluice_v1_ListPoliciesRequest, callback: grpc.requestCallback<_sluice_v1_ListPoliciesResponse__Output>): grpc.ClientUnaryCall;
  list(argument: _sluice_v1_ListPoliciesRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_ListPoliciesResponse__Output>): grpc.ClientUnaryCall;
  list(argument: _sluice_v1_ListPoliciesRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_ListPoliciesResponse__Output>): grpc.ClientUnaryCall;
  list(argument: _sluice_v1_ListPoliciesRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_ListPoliciesResponse__Output>): grpc.ClientUnaryCall;
  list(argument: _sluice_v1_ListPoliciesRequest, callback: grpc.requestCallback<_sluice_v1_ListPoliciesResponse__Output>): grpc.ClientUnaryCall;
  
  Put(argument: _sluice_v1_PutPolicyRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_Policy__Output>): grpc.ClientUnaryCall;
  Put(argument: _sluice_v1_PutPolicyRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_Policy__Output>): grpc.ClientUnaryCall;
  Put(argument: _sluice_v1_PutPolicyRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_Policy__Output>): grpc.ClientUnaryCall;
  Put(argument: _sluice_v1_PutPolicyRequest, callback: grpc.requestCallback<_sluice_v1_Policy__Output>): grpc.ClientUnaryCall;
  put(argument: _sluice_v1_PutPolicyRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_Policy__Output>): grpc.ClientUnaryCall;
  put(argument: _sluice_v1_PutPolicyRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_Policy__Output>): grpc.ClientUnaryCall;
  put(argument: _sluice_v1_PutPolicyRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_Policy__Output>): grpc.ClientUnaryCall;
  put(argument: _sluice_v1_PutPolicyRequest, callback: grpc.requestCallback<_sluice_v1_Policy__Output>): grpc.ClientUnaryCall;
  
  Watch(argument: _sluice_v1_WatchPoliciesRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_sluice_v1_WatchPoliciesResponse__Output>;
  Watch(argument: _sluice_v1_WatchPoliciesRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_sluice_v1_WatchPoliciesResponse__Output>;
  watch(argument: _sluice_v1_WatchPoliciesRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_sluice_v1_WatchPoliciesResponse__Output>;
  watch(argument: _sluice_v1_WatchPoliciesRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_sluice_v1_WatchPoliciesResponse__Output>;
  
}

export interface PolicyServiceHandlers extends grpc.UntypedServiceImplementation {
  Apply: grpc.handleUnaryCall<_sluice_v1_ApplyPoliciesRequest__Output, _sluice_v1_ApplyPoliciesResponse>;
  
  Delete: grpc.handleUnaryCall<_sluice_v1_DeletePolicyRequest__Output, _sluice_v1_DeletePolicyResponse>;
  
  Get: grpc.handleUnaryCall<_sluice_v1_GetPolicyRequest__Output, _sluice_v1_Policy>;
  
  List: grpc.handleUnaryCall<_sluice_v1_ListPoliciesRequest__Output, _sluice_v1_ListPoliciesResponse>;
  
  Put: grpc.handleUnaryCall<_sluice_v1_PutPolicyRequest__Output, _sluice_v1_Policy>;
  
  Watch: grpc.handleServerStreamingCall<_sluice_v1_WatchPoliciesRequest__Output, _sluice_v1_WatchPoliciesResponse>;
  
}

export interface PolicyServiceDefinition extends grpc.ServiceDefinition {
  Apply: MethodDefinition<_sluice_v1_ApplyPoliciesRequest, _sluice_v1_ApplyPoliciesResponse, _sluice_v1_ApplyPoliciesRequest__Output, _sluice_v1_ApplyPoliciesResponse__Output>
  Delete: MethodDefinition<_sluice_v1_DeletePolicyRequest, _sluice_v1_DeletePolicyResponse, _sluice_v1_DeletePolicyRequest__Output, _sluice_v1_DeletePolicyResponse__Output>
  Get: MethodDefinition<_sluice_v1_GetPolicyRequest, _sluice_v1_Policy, _sluice_v1_GetPolicyRequest__Output, _sluice_v1_Policy__Output>
  List: MethodDefinition<_sluice_v1_ListPoliciesRequest, _sluice_v1_ListPoliciesResponse, _sluice_v1_ListPoliciesRequest__Output, _sluice_v1_ListPoliciesResponse__Output>
  Put: MethodDefinition<_sluice_v1_PutPolicyRequest, _sluice_v1_Policy, _sluice_v1_PutPolicyRequest__Output, _sluice_v1_Policy__Output>
  Watch: MethodDefinition<_sluice_v1_WatchPoliciesRequest, _sluice_v1_WatchPoliciesResponse, _sluice_v1_WatchPoliciesRequest__Output, _sluice_v1_WatchPoliciesResponse__Output>
}
