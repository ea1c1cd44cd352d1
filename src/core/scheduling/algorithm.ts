/**
 * What a scheduling algorithm is. It is pulled: whoever owns the slots asks `next` while one is
 * free. An algorithm is one file that implements this, one line in the registry (`registry.ts`),
 * and passes the conformance suite. Pure: time comes as an argument, nothing is called back but
 * `heads` and `sharesOf`.
 *
 * A leaf is the algorithm's number for one flow. It is valid from `open` on, for as long as the
 * flow has a request waiting or outstanding; after that the algorithm may forget it, and the caller
 * opens the tag again.
 */
import type { RequestView } from '../model/request.js';
import type { DeviceSettings } from '../model/device.js';
import type { SharesOf } from '../ports.js';

export type Next =
  /** The leaf's oldest request may go; it is charged already. */
  | { readonly kind: 'grant'; readonly leaf: number }
  /** Something waits, but nothing may go before this clock time. */
  | { readonly kind: 'wait'; readonly untilNs: number }
  /** Nothing waits. */
  | { readonly kind: 'idle' };

/** The oldest waiting request of a leaf; asked only of leaves with requests waiting. */
export interface Heads {
  head(leaf: number): RequestView;
}

export interface SchedulingAlgorithm {
  /**
   * The leaf of a tag; the same as long as it is known.
   * @param last the leaf that this tag had last: where it has it still, it need not be looked up
   * @throws SluiceError QUEUE_FULL when a bound on nodes or children is met, naming the bound
   */
  open(tag: string, nowNs: number, last?: number): number;
  /** `request` has joined the leaf's queue (it is the head if none waited). */
  arrived(leaf: number, request: RequestView, nowNs: number): void;
  /** `request` has left the leaf's queue without a grant. Called after it left. */
  cancelled(leaf: number, request: RequestView, nowNs: number): void;
  /**
   * Picks and charges. On a grant the caller takes the leaf's head off its queue before the next
   * call of any kind. The answer may be one object used again: read it before the next call.
   */
  next(nowNs: number): Next;
  /** A granted request has left the device. */
  finished(leaf: number, request: RequestView, latencyNs: number, nowNs: number): void;
  /** A grant that was not used: its charge is undone. */
  handBack(leaf: number, request: RequestView, nowNs: number): void;
  /** What sharesOf says of this tag may have changed. Unknown tags are ignored. */
  sharesChanged(tag: string, nowNs: number): void;
  /** The algorithm's own parameters have changed. */
  configure(settings: DeviceSettings): void;
}

export interface AlgorithmContext {
  readonly settings: DeviceSettings;
  readonly sharesOf: SharesOf;
  readonly heads: Heads;
}

export type AlgorithmFactory = (context: AlgorithmContext) => SchedulingAlgorithm;
