/** One application of a guest, as its threads share it; and those that are measured together. */
import type { DiskCounts } from './hypervisor.js';
import type { OperationMeter } from './measures.js';

export interface Application {
  readonly tag: string;
  /** Its number in its guest, from 0 on. */
  readonly index: number;
  /** Its own, or its group's. */
  readonly meter: OperationMeter;
  readonly disk: DiskCounts;
}

/** What is measured as one: an application, or a group. */
export interface Measured {
  readonly name: string;
  readonly shares: number;
  members: number;
  readonly meter: OperationMeter;
  readonly disk: DiskCounts;
}
