/** Operations, and the request that travels from a door to a device and back. */
import type { Code } from './errors.js';

/** What a request does. The numbers are those of `sluice.v1.Op`. */
export const OPS = { READ: 1, WRITE: 2, FLUSH: 3, TRIM: 4, WRITE_ZEROES: 5 } as const;
export type OpName = keyof typeof OPS;
export type Op = (typeof OPS)[OpName];
export const OP_NAMES: Record<Op, OpName> = { 1: 'READ', 2: 'WRITE', 3: 'FLUSH', 4: 'TRIM', 5: 'WRITE_ZEROES' };

export function isOp(value: number): value is Op {
  return value >= 1 && value <= 5 && Number.isInteger(value);
}

/** As much of a request as a scheduling algorithm may look at. */
export interface RequestView {
  readonly op: Op;
  readonly offset: number;
  readonly lengthBytes: number;
  /** Cost units that granting it charges, 1..65536 (of one piece, where it is split). */
  readonly cost: number;
  /** Clock time at which it joined its flow. */
  readonly arrivedNs: number;
  /** Rises by one with every request that this host accepts: total order of arrival. */
  readonly sequence: number;
}

/**
 * One operation at a device. The dispatcher owns the object and sets all but what is marked; it
 * lends it to the device from submit until done.
 */
export interface DeviceIo {
  readonly op: Op;
  readonly offset: number;
  readonly lengthBytes: number;
  readonly fua: boolean;
  /**
   * WRITE: the payload, lengthBytes long, not changed until done. READ: where the data is to go if
   * the door brought a place; else null, and the device puts a buffer of lengthBytes here. Not to be
   * looked at after done: it can be a guest's memory, which is gone then.
   */
  data: Uint8Array | null;
  /**
   * Clock time at which the slot was given to it, at or before now. A simulated device counts from
   * here, so that a late timer costs the model no time; a real one ignores it.
   */
  readonly submittedNs: number;
  /** Hands a lease to whoever asked. False where it cannot take one. Of lease devices alone. */
  grant?(lease: Lease): boolean;
  /** Set by the device before done: when it ended, between submittedNs and now. */
  finishedNs: number;
  /** Set by the filter that holds both sides to this contract, and by nobody else: who has it, and who is told. */
  heldBy?: object | null;
  toTell?: DeviceDone | null;
}

/** Permission to do a request's I/O oneself, for as long as it is renewed. */
export interface Lease {
  /** How long it lasts from its grant, and from each renewal. */
  readonly leaseMs: number;
  /** Why it ended without its holder's word; '' where it did not. */
  readonly revoked: string;
  renew(): void;
  /** The I/O is over: the request ends so. No effect on a lease that has ended. */
  finish(code: Code, message: string): void;
}

/** Told once for each submitted io. `message` is empty where code is OK. */
export type DeviceDone = (io: DeviceIo, code: Code, message: string) => void;

/** A smallest, a largest cost that a request may be charged. */
export const COST_MIN = 1;
export const COST_MAX = 65_536;
