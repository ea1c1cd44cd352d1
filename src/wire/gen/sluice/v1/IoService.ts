// Original file: proto/sluice/v1/io.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { ClientFrame as _sluice_v1_ClientFrame, ClientFrame__Output as _sluice_v1_ClientFrame__Output } from '../../sluice/v1/ClientFrame.js';
import type { IoReply as _sluice_v1_IoReply, IoReply__Output as _sluice_v1_IoReply__Output } from '../../sluice/v1/IoReply.js';
import type { ServerFrame as _sluice_v1_ServerFrame, ServerFrame__Output as _sluice_v1_ServerFrame__Output } from '../../sluice/v1/ServerFrame.js';
import type { SubmitRequest as _sluice_v1_SubmitRequest, SubmitRequest__Output as _sluice_v1_SubmitRequest__Output } from '../../sluice/v1/SubmitRequest.js';

export interface IoServiceClient extends grpc.Client {
  Stream(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_sluice_v1_ClientFrame, _sluice_v1_ServerFrame__Output>;
  Stream(options?: grpc.CallOptions): grpc.ClientDuplexStream<_sluice_v1_ClientFrame, _sluice_v1_ServerFrame__Output>;
  stream(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_sluice_v1_ClientFrame, _sluice_v1_ServerFrame__Output>;
  stream(options?: grpc.CallOptions): grpc.ClientDuplexStream<_sluice_v1_ClientFrame, _sluice_v1_ServerFrame__Output>;
  
  Submit(argument: _sluice_v1_SubmitRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_IoReply__Output>): grpc.ClientUnaryCall;
  Submit(argument: _sluice_v1_SubmitRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_IoReply__Output>): grpc.ClientUnaryCall;
  Submit(argument: _sluice_v1_SubmitRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_IoReply__Output>): grpc.ClientUnaryCall;
  Submit(argument: _sluice_v1_SubmitRequest, callback: grpc.requestCallback<_sluice_v1_IoReply__Output>): grpc.ClientUnaryCall;
  submit(argument: _sluice_v1_SubmitRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_IoReply__Output>): grpc.ClientUnaryCall;
  submit(argument: _sluice_v1_SubmitRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_IoReply__Output>): grpc.ClientUnaryCall;
  submit(argument: _sluice_v1_SubmitRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_IoReply__Output>): grpc.ClientUnaryCall;
  submit(argument: _sluice_v1_SubmitRequest, callback: grpc.requestCallback<_sluice_v1_IoReply__Output>): grpc.ClientUnaryCall;
  
}

export interface IoServiceHandlers extends grpc.UntypedServiceImplementation {
  Stream: grpc.handleBidiStreamingCall<_sluice_v1_ClientFrame__Output, _sluice_v1_ServerFrame>;
  
  Submit: grpc.handleUnaryCall<_sluice_v1_SubmitRequest__Output, _sluice_v1_IoReply>;
  
}

export interface IoServiceDefinition extends grpc.ServiceDefinition {
  Stream: MethodDefinition<_sluice_v1_ClientFrame, _sluice_v1_ServerFrame, _sluice_v1_ClientFrame__Output, _sluice_v1_ServerFrame__Output>
  Submit: MethodDefinition<_sluice_v1_SubmitRequest, _sluice_v1_IoReply, _sluice_v1_SubmitRequest__Output, _sluice_v1_IoReply__Output>
}
