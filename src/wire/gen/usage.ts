import type * as grpc from '@grpc/grpc-js';
import type { EnumTypeDefinition, MessageTypeDefinition } from '@grpc/proto-loader';

import type { Cancel as _sluice_v1_Cancel, Cancel__Output as _sluice_v1_Cancel__Output } from './sluice/v1/Cancel.js';
import type { ClientFrame as _sluice_v1_ClientFrame, ClientFrame__Output as _sluice_v1_ClientFrame__Output } from './sluice/v1/ClientFrame.js';
import type { Credit as _sluice_v1_Credit, Credit__Output as _sluice_v1_Credit__Output } from './sluice/v1/Credit.js';
import type { Done as _sluice_v1_Done, Done__Output as _sluice_v1_Done__Output } from './sluice/v1/Done.js';
import type { GoAway as _sluice_v1_GoAway, GoAway__Output as _sluice_v1_GoAway__Output } from './sluice/v1/GoAway.js';
import type { Granted as _sluice_v1_Granted, Granted__Output as _sluice_v1_Granted__Output } from './sluice/v1/Granted.js';
import type { Hello as _sluice_v1_Hello, Hello__Output as _sluice_v1_Hello__Output } from './sluice/v1/Hello.js';
import type { IoReply as _sluice_v1_IoReply, IoReply__Output as _sluice_v1_IoReply__Output } from './sluice/v1/IoReply.js';
import type { IoRequest as _sluice_v1_IoRequest, IoRequest__Output as _sluice_v1_IoRequest__Output } from './sluice/v1/IoRequest.js';
import type { IoServiceClient as _sluice_v1_IoServiceClient, IoServiceDefinition as _sluice_v1_IoServiceDefinition } from './sluice/v1/IoService.js';
import type { ListTagsRequest as _sluice_v1_ListTagsRequest, ListTagsRequest__Output as _sluice_v1_ListTagsRequest__Output } from './sluice/v1/ListTagsRequest.js';
import type { ListTagsResponse as _sluice_v1_ListTagsResponse, ListTagsResponse__Output as _sluice_v1_ListTagsResponse__Output } from './sluice/v1/ListTagsResponse.js';
import type { OpUsage as _sluice_v1_OpUsage, OpUsage__Output as _sluice_v1_OpUsage__Output } from './sluice/v1/OpUsage.js';
import type { Open as _sluice_v1_Open, Open__Output as _sluice_v1_Open__Output } from './sluice/v1/Open.js';
import type { Opened as _sluice_v1_Opened, Opened__Output as _sluice_v1_Opened__Output } from './sluice/v1/Opened.js';
import type { QueryUsageRequest as _sluice_v1_QueryUsageRequest, QueryUsageRequest__Output as _sluice_v1_QueryUsageRequest__Output } from './sluice/v1/QueryUsageRequest.js';
import type { QueryUsageResponse as _sluice_v1_QueryUsageResponse, QueryUsageResponse__Output as _sluice_v1_QueryUsageResponse__Output } from './sluice/v1/QueryUsageResponse.js';
import type { Renew as _sluice_v1_Renew, Renew__Output as _sluice_v1_Renew__Output } from './sluice/v1/Renew.js';
import type { Revoked as _sluice_v1_Revoked, Revoked__Output as _sluice_v1_Revoked__Output } from './sluice/v1/Revoked.js';
import type { ServerFrame as _sluice_v1_ServerFrame, ServerFrame__Output as _sluice_v1_ServerFrame__Output } from './sluice/v1/ServerFrame.js';
import type { SubmitRequest as _sluice_v1_SubmitRequest, SubmitRequest__Output as _sluice_v1_SubmitRequest__Output } from './sluice/v1/SubmitRequest.js';
import type { TagSummary as _sluice_v1_TagSummary, TagSummary__Output as _sluice_v1_TagSummary__Output } from './sluice/v1/TagSummary.js';
import type { UsageRow as _sluice_v1_UsageRow, UsageRow__Output as _sluice_v1_UsageRow__Output } from './sluice/v1/UsageRow.js';
import type { UsageServiceClient as _sluice_v1_UsageServiceClient, UsageServiceDefinition as _sluice_v1_UsageServiceDefinition } from './sluice/v1/UsageService.js';
import type { WatchUsageRequest as _sluice_v1_WatchUsageRequest, WatchUsageRequest__Output as _sluice_v1_WatchUsageRequest__Output } from './sluice/v1/WatchUsageRequest.js';
import type { Welcome as _sluice_v1_Welcome, Welcome__Output as _sluice_v1_Welcome__Output } from './sluice/v1/Welcome.js';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  sluice: {
    v1: {
      Cancel: MessageTypeDefinition<_sluice_v1_Cancel, _sluice_v1_Cancel__Output>
      ClientFrame: MessageTypeDefinition<_sluice_v1_ClientFrame, _sluice_v1_ClientFrame__Output>
      Code: EnumTypeDefinition
      Credit: MessageTypeDefinition<_sluice_v1_Credit, _sluice_v1_Credit__Output>
      Done: MessageTypeDefinition<_sluice_v1_Done, _sluice_v1_Done__Output>
      GoAway: MessageTypeDefinition<_sluice_v1_GoAway, _sluice_v1_GoAway__Output>
      Granted: MessageTypeDefinition<_sluice_v1_Granted, _sluice_v1_Granted__Output>
      Hello: MessageTypeDefinition<_sluice_v1_Hello, _sluice_v1_Hello__Output>
      IoReply: MessageTypeDefinition<_sluice_v1_IoReply, _sluice_v1_IoReply__Output>
      IoRequest: MessageTypeDefinition<_sluice_v1_IoRequest, _sluice_v1_IoRequest__Output>
      IoService: SubtypeConstructor<typeof grpc.Client, _sluice_v1_IoServiceClient> & { service: _sluice_v1_IoServiceDefinition }
      ListTagsRequest: MessageTypeDefinition<_sluice_v1_ListTagsRequest, _sluice_v1_ListTagsRequest__Output>
      ListTagsResponse: MessageTypeDefinition<_sluice_v1_ListTagsResponse, _sluice_v1_ListTagsResponse__Output>
      Op: EnumTypeDefinition
      OpUsage: MessageTypeDefinition<_sluice_v1_OpUsage, _sluice_v1_OpUsage__Output>
      Open: MessageTypeDefinition<_sluice_v1_Open, _sluice_v1_Open__Output>
      Opened: MessageTypeDefinition<_sluice_v1_Opened, _sluice_v1_Opened__Output>
      QueryUsageRequest: MessageTypeDefinition<_sluice_v1_QueryUsageRequest, _sluice_v1_QueryUsageRequest__Output>
      QueryUsageResponse: MessageTypeDefinition<_sluice_v1_QueryUsageResponse, _sluice_v1_QueryUsageResponse__Output>
      Renew: MessageTypeDefinition<_sluice_v1_Renew, _sluice_v1_Renew__Output>
      Revoked: MessageTypeDefinition<_sluice_v1_Revoked, _sluice_v1_Revoked__Output>
      ServerFrame: MessageTypeDefinition<_sluice_v1_ServerFrame, _sluice_v1_ServerFrame__Output>
      SubmitRequest: MessageTypeDefinition<_sluice_v1_SubmitRequest, _sluice_v1_SubmitRequest__Output>
      TagSummary: MessageTypeDefinition<_sluice_v1_TagSummary, _sluice_v1_TagSummary__Output>
      UsageOrder: EnumTypeDefinition
      UsageRow: MessageTypeDefinition<_sluice_v1_UsageRow, _sluice_v1_UsageRow__Output>
      UsageService: SubtypeConstructor<typeof grpc.Client, _sluice_v1_UsageServiceClient> & { service: _sluice_v1_UsageServiceDefinition }
      WatchUsageRequest: MessageTypeDefinition<_sluice_v1_WatchUsageRequest, _sluice_v1_WatchUsageRequest__Output>
      Welcome: MessageTypeDefinition<_sluice_v1_Welcome, _sluice_v1_Welcome__Output>
    }
  }
}

