/** What a workload is driven against: a service over the network, or a device in this process. */
import type { Op } from '../core/model/request.js';

export interface Target {
  readonly sizeBytes: number;
  readonly blockBytes: number;
  /**
   * Sends a request of a tag (an index into the run's tags). Its reply comes to the sink exactly
   * once with the token, possibly within this call.
   */
  issue(tag: number, op: Op, offset: number, lengthBytes: number, token: number): void;
}

/** Told of each reply. */
export interface TargetSink {
  /**
   * @param atNs when it came, on the run's clock
   * @param cost what it was charged, cost units
   * @param queueNs how long it waited in the service's queue
   * @param serviceNs how long the device took
   * @param error '' where it was served, else what went wrong
   */
  replied(token: number, atNs: number, cost: number, queueNs: number, serviceNs: number, error: string): void;
}
