// Original file: proto/sluice/v1/usage.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { ListTagsRequest as _sluice_v1_ListTagsRequest, ListTagsRequest__Output as _sluice_v1_ListTagsRequest__Output } from '../../sluice/v1/ListTagsRequest.js';
import type { ListTagsResponse as _sluice_v1_ListTagsResponse, ListTagsResponse__Output as _sluice_v1_ListTagsResponse__Output } from '../../sluice/v1/ListTagsResponse.js';
import type { QueryUsageRequest as _sluice_v1_QueryUsageRequest, QueryUsageRequest__Output as _sluice_v1_QueryUsageRequest__Output } from '../../sluice/v1/QueryUsageRequest.js';
import type { QueryUsageResponse as _sluice_v1_QueryUsageResponse, QueryUsageResponse__Output as _sluice_v1_QueryUsageResponse__Output } from '../../sluice/v1/QueryUsageResponse.js';
import type { WatchUsageRequest as _sluice_v1_WatchUsageRequest, WatchUsageRequest__Output as _sluice_v1_WatchUsageRequest__Output } from '../../sluice/v1/WatchUsageRequest.js';

export interface UsageServiceClient extends grpc.Client {
  ListTags(argument: _sluice_v1_ListTagsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_ListTagsResponse__Output>): grpc.ClientUnaryCall;
  ListTags(argument: _sluice_v1_ListTagsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_ListTagsResponse__Output>): grpc.ClientUnaryCall;
  ListTags(argument: _sluice_v1_ListTagsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_ListTagsResponse__Output>): grpc.ClientUnaryCall;
  ListTags(argument: _sluice_v1_ListTagsRequest, callback: grpc.requestCallback<_sluice_v1_ListTagsResponse__Output>): grpc.ClientUnaryCall;
  listTags(argument: _sluice_v1_ListTagsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_ListTagsResponse__Output>): grpc.ClientUnaryCall;
  listTags(argument: _sluice_v1_ListTagsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_ListTagsResponse__Output>): grpc.ClientUnaryCall;
  listTags(argument: _sluice_v1_ListTagsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_ListTagsResponse__Output>): grpc.ClientUnaryCall;
  listTags(argument: _sluice_v1_ListTagsRequest, callback: grpc.requestCallback<_sluice_v1_ListTagsResponse__Output>): grpc.ClientUnaryCall;
  
  Query(argument: _sluice_v1_QueryUsageRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_sluice_v1_QueryUsageResponse__Output>;
  Query(argument: _sluice_v1_QueryUsageRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_sluice_v1_QueryUsageResponse__Output>;
  query(argument: _sluice_v1_QueryUsageRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_sluice_v1_QueryUsageResponse__Output>;
  query(argument: _sluice_v1_QueryUsageRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_sluice_v1_QueryUsageResponse__Output>;
  
  Watch(argument: _sluice_v1_WatchUsageRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_sluice_v1_QueryUsageResponse__Output>;
  Watch(argument: _sluice_v1_WatchUsageRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_sluice_v1_QueryUsageResponse__Output>;
  watch(argument: _sluice_v1_WatchUsageRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_sluice_v1_QueryUsageResponse__Output>;
  watch(argument: _sluice_v1_WatchUsageRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_sluice_v1_QueryUsageResponse__Output>;
  
}

export interface UsageServiceHandlers extends grpc.UntypedServiceImplementation {
  ListTags: grpc.handleUnaryCall<_sluice_v1_ListTagsRequest__Output, _sluice_v1_ListTagsResponse>;
  
  Query: grpc.handleServerStreamingCall<_sluice_v1_QueryUsageRequest__Output, _sluice_v1_QueryUsageResponse>;
  
  Watch: grpc.handleServerStreamingCall<_sluice_v1_WatchUsageRequest__Output, _sluice_v1_QueryUsageResponse>;
  
}

export interface UsageServiceDefinition extends grpc.ServiceDefinition {
  ListTags: MethodDefinition<_sluice_v1_ListTagsRequest, _sluice_v1_ListTagsResponse, _sluice_v1_ListTagsRequest__Output, _sluice_v1_ListTagsResponse__Output>
  Query: MethodDefinition<_sluice_v1_QueryUsageRequest, _sluice_v1_QueryUsageResponse, _sluice_v1_QueryUsageRequest__Output, _sluice_v1_QueryUsageResponse__Output>
  Watch: MethodDefinition<_sluice_v1_WatchUsageRequest, _sluice_v1_QueryUsageResponse, _sluice_v1_WatchUsageRequest__Output, _sluice_v1_QueryUsageResponse__Output>
}
