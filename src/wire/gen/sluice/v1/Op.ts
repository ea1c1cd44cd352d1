// Original file: proto/sluice/v1/io.proto

export const Op = {
  OP_UNSPECIFIED: 0,
  OP_READ: 1,
  OP_WRITE: 2,
  OP_FLUSH: 3,
  OP_TRIM: 4,
  OP_WRITE_ZEROES: 5,
} as const;

export type Op =
  | 'OP_UNSPECIFIED'
  | 0
  | 'OP_READ'
  | 1
  | 'OP_WRITE'
  | 2
  | 'OP_FLUSH'
  | 3
  | 'OP_TRIM'
  | 4
  | 'OP_WRITE_ZEROES'
  | 5

export type Op__Output = typeof Op[keyof typeof Op]
