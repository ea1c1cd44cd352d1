// Original file: proto/sluice/v1/policy.proto

export const ChangeKind = {
  CHANGE_KIND_UNSPECIFIED: 0,
  CHANGE_KIND_CREATED: 1,
  CHANGE_KIND_UPDATED: 2,
  CHANGE_KIND_DELETED: 3,
} as const;

export type ChangeKind =
  | 'CHANGE_KIND_UNSPECIFIED'
  | 0
  | 'CHANGE_KIND_CREATED'
  | 1
  | 'CHANGE_KIND_UPDATED'
  | 2
  | 'CHANGE_KIND_DELETED'
  | 3

export type ChangeKind__Output = typeof ChangeKind[keyof typeof ChangeKind]
