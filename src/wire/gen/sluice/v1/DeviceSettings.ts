// Original file: proto/sluice/v1/device.proto

import type { FairSettings as _sluice_v1_FairSettings, FairSettings__Output as _sluice_v1_FairSettings__Output } from '../../sluice/v1/FairSettings.js';
import type { StrideSettings as _sluice_v1_StrideSettings, StrideSettings__Output as _sluice_v1_StrideSettings__Output } from '../../sluice/v1/StrideSettings.js';
import type { Long } from '@grpc/proto-loader';

export interface DeviceSettings {
  'scheduler'?: (string);
  'depth'?: (number);
  'costModel'?: (string);
  'costUnitBytes'?: (number);
  'ioTimeoutMs'?: (number);
  'unknownTags'?: (string);
  'maxQueuedRequests'?: (number);
  'maxQueuedBytes'?: (number | string | Long);
  'fair'?: (_sluice_v1_FairSettings | null);
  'stride'?: (_sluice_v1_StrideSettings | null);
  'readCacheBytes'?: (number | string | Long);
  'leaseMs'?: (number);
  '_scheduler'?: "scheduler";
  '_depth'?: "depth";
  '_costModel'?: "costModel";
  '_costUnitBytes'?: "costUnitBytes";
  '_ioTimeoutMs'?: "ioTimeoutMs";
  '_unknownTags'?: "unknownTags";
  '_maxQueuedRequests'?: "maxQueuedRequests";
  '_maxQueuedBytes'?: "maxQueuedBytes";
  '_fair'?: "fair";
  '_stride'?: "stride";
  '_readCacheBytes'?: "readCacheBytes";
  '_leaseMs'?: "leaseMs";
}

export interface DeviceSettings__Output {
  'scheduler'?: (string);
  'depth'?: (number);
  'costModel'?: (string);
  'costUnitBytes'?: (number);
  'ioTimeoutMs'?: (number);
  'unknownTags'?: (string);
  'maxQueuedRequests'?: (number);
  'maxQueuedBytes'?: (number);
  'fair'?: (_sluice_v1_FairSettings__Output | null);
  'stride'?: (_sluice_v1_StrideSettings__Output | null);
  'readCacheBytes'?: (number);
  'leaseMs'?: (number);
  '_scheduler'?: "scheduler";
  '_depth'?: "depth";
  '_costModel'?: "costModel";
  '_costUnitBytes'?: "costUnitBytes";
  '_ioTimeoutMs'?: "ioTimeoutMs";
  '_unknownTags'?: "unknownTags";
  '_maxQueuedRequests'?: "maxQueuedRequests";
  '_maxQueuedBytes'?: "maxQueuedBytes";
  '_fair'?: "fair";
  '_stride'?: "stride";
  '_readCacheBytes'?: "readCacheBytes";
  '_leaseMs'?: "leaseMs";
}
