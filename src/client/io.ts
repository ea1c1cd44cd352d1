/** A request and its outcome, as callers of the promise API see them. */
import { CODES, SluiceError, codeName } from '../core/model/errors.js';
import type { OpName } from '../core/model/request.js';
import { unwatchAbort, watchAbort, type AbortTarget } from './abort.js';
import type { IoReply, ReplySink } from './request.js';

export interface IoOptions {
  /** For this request alone; the handle's tag or below it. */
  readonly tag?: string;
  /** Longest time in queue, in the client and at the host together; it does not bound service. ms, above 0. */
  readonly timeoutMs?: number;
  /** Takes the request back: at once where it was not sent, else where it still waits at the host. */
  readonly signal?: AbortSignal;
}

export interface WriteOptions extends IoOptions {
  /** Durable before it is answered. */
  readonly fua?: boolean;
}

/** One request. FLUSH has neither offset nor length; data is a WRITE's alone, and its length the default of `length`. */
export interface IoRequest extends WriteOptions {
  readonly op: OpName;
  /** Bytes; a multiple of the block size. */
  readonly offset?: number;
  readonly length?: number;
  readonly data?: Uint8Array;
}

/** I/O to be done by the caller, on a lease device. */
export type LeaseRequest = Omit<IoRequest, 'data' | 'fua'>;

/** Where a served request spent its time, and what it was charged. Times are microseconds. */
export interface IoResult {
  /** What a READ returned; empty otherwise. Shares memory with the frame it came in. */
  readonly data: Buffer;
  /** Behind older requests of the same tag. */
  readonly behindOwnUs: number;
  /** Held back by the tag's limit. */
  readonly limitUs: number;
  /** While others were owed first. */
  readonly shareUs: number;
  /** While nobody could go. */
  readonly slotsUs: number;
  /** While a grant was on its way. */
  readonly coordinationUs: number;
  /** The sum of the five above. */
  readonly queueUs: number;
  readonly serviceUs: number;
  /** Cost units. */
  readonly cost: number;
  /** 0 = answered at the first try. */
  readonly attempt: number;
}

/** @returns null where the reply says OK */
export function replyError(reply: IoReply): SluiceError | null {
  if (reply.code === CODES.OK) return null;
  const code = codeName(reply.code);
  return new SluiceError(code === 'OK' ? 'INTERNAL' : code, reply.message);
}

export function queueUsOf(reply: IoReply): number {
  return reply.behindOwnUs + reply.limitUs + reply.shareUs + reply.slotsUs + reply.coordinationUs;
}

export function resultOf(reply: IoReply): IoResult {
  return {
    data: reply.data,
    behindOwnUs: reply.behindOwnUs,
    limitUs: reply.limitUs,
    shareUs: reply.shareUs,
    slotsUs: reply.slotsUs,
    coordinationUs: reply.coordinationUs,
    queueUs: queueUsOf(reply),
    serviceUs: reply.serviceUs,
    cost: reply.cost,
    attempt: reply.attempt,
  };
}

export const dataOf = (reply: IoReply): Buffer => reply.data;
export const nothingOf = (): void => undefined;

/** Settles a promise with a reply. */
export class Waiter<T> implements ReplySink, AbortTarget {
  private readonly resolve: (value: T) => void;
  private readonly reject: (error: SluiceError) => void;
  private readonly project: (reply: IoReply) => T;
  private signal: AbortSignal | null = null;
  private cancel: ((id: number) => void) | null = null;
  private id = 0;

  constructor(resolve: (value: T) => void, reject: (error: SluiceError) => void, project: (reply: IoReply) => T) {
    this.resolve = resolve;
    this.reject = reject;
    this.project = project;
  }

  /** Cancels the request when the signal fires before the reply. */
  watch(signal: AbortSignal, id: number, cancel: (id: number) => void): void {
    this.signal = signal;
    this.id = id;
    this.cancel = cancel;
    watchAbort(signal, this);
  }

  aborted(): void {
    this.cancel?.(this.id);
  }

  replied(_token: number, reply: IoReply): void {
    if (this.signal !== null) unwatchAbort(this.signal, this);
    const error = replyError(reply);
    if (error === null) this.resolve(this.project(reply));
    else this.reject(error);
  }
}

/** @throws SluiceError CANCELLED */
export function refuseAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new SluiceError('CANCELLED', 'its signal was aborted before it was issued');
}
