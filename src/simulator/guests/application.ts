/** One application of a guest, as its threads share it. */
import type { DiskCounts } from './hypervisor.js';
import type { OperationMeter } from './measures.js';

export interface Application {
  readonly tag: string;
  readonly shares: number;
  /** CFQ's, 0 (highest) to 7. */
  readonly priority: number;
  readonly meter: OperationMeter;
  readonly disk: DiskCounts;
}
