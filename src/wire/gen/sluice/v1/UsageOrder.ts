// Original file: proto/sluice/v1/usage.proto

export const UsageOrder = {
  USAGE_ORDER_UNSPECIFIED: 0,
  USAGE_ORDER_TAG: 1,
  USAGE_ORDER_COST: 2,
  USAGE_ORDER_BYTES: 3,
  USAGE_ORDER_OPS: 4,
} as const;

export type UsageOrder =
  | 'USAGE_ORDER_UNSPECIFIED'
  | 0
  | 'USAGE_ORDER_TAG'
  | 1
  | 'USAGE_ORDER_COST'
  | 2
  | 'USAGE_ORDER_BYTES'
  | 3
  | 'USAGE_ORDER_OPS'
  | 4

export type UsageOrder__Output = typeof UsageOrder[keyof typeof UsageOrder]
