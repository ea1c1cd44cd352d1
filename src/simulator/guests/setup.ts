/**
 * What a run of virtual machines on one disk is made of. Plain data, so that it can be printed, compared and
 * sent to a worker.
 *
 *   application threads -> guest page cache -> guest scheduler -> virtual disk
 *        tag: carried, on reads alone, or lost                       |
 *   device <- host scheduler (the dispatcher of the service) <- hypervisor page cache
 */
import type { DeviceSettingsPatch, SchedulerName } from '../../core/model/device.js';
import type { BaselineName } from '../../core/scheduling/baselines/registry.js';

/** Which requests still say whose they are when they reach the host's scheduler. */
export type TagRule =
  /** Reads and writes: what the paper leaves to future work. */
  | 'all'
  /** Reads alone, as the paper built it; writes of all guests arrive under one name. */
  | 'reads'
  /** Nothing is passed on: the hypervisor sees which virtual machine a request comes from. */
  | 'none';

/** The name that writes have where only reads are tagged. */
export const UNTAGGED = 'untagged';

export type WorkloadSetup =
  | { readonly kind: 'sequential-read' | 'random-read' | 'dht'; readonly threads: number }
  | { readonly kind: 'web-server' | 'mail-server'; readonly threads: number; readonly files: number };

export interface ApplicationSetup {
  /** Its tag, of one segment: the paper's IDs are flat. */
  readonly tag: string;
  readonly shares: number;
  /** CFQ's in the guest, 0 (highest) to 7. */
  readonly priority: number;
  readonly workload: WorkloadSetup;
  /** Applications of one group are measured together, as their mean. */
  readonly group?: string;
}

export interface GuestSetup {
  /** What the hypervisor sees where tags are lost. */
  readonly name: string;
  /** Where tags are lost: CFQ's, 0 (highest) to 7, and shares of the virtual machine as a whole. */
  readonly priority: number;
  readonly shares: number;
  /** `noop` passes requests on as they come; `cfq` orders them by the applications' priorities. */
  readonly scheduler: 'noop' | 'cfq';
  readonly applications: readonly ApplicationSetup[];
}

/** The algorithm of the host's scheduler: one of the service's, or a baseline. */
export type HostAlgorithm = SchedulerName | BaselineName;

export interface MachineSetup {
  readonly medium: 'hdd' | 'ssd';
  readonly algorithm: HostAlgorithm;
  /** The paper's dispatch number. */
  readonly depth: number;
  readonly tags: TagRule;
  readonly guests: readonly GuestSetup[];
  /** Virtual time. */
  readonly seconds: number;
  readonly settings?: DeviceSettingsPatch;
  /** False: nobody sets the shares, and each has the default. */
  readonly policies?: boolean;
}
