/**
 * How long the host's epoch lives, as the host may believe, and whether the host itself stood still.
 *
 * The state counts the lease from when it took a call in, which is after the call was sent: counted
 * from the sending, the host's idea of the end comes first. A part is taken off for clocks that do not
 * run at one speed. The monotonic clock may stand still while a machine sleeps or a virtual machine is
 * paused, the wall clock may be set back: the lease lives only while both say so.
 */
import { NS_PER_MS } from '../../core/model/units.js';

/** Part of the lease left to clocks that run apart: 1/16 is 62,500 ppm, a hundred times what a bad crystal does. */
const DRIFT_PART = 1 / 16;

export class Lease {
  readonly #ns: number;
  #untilNs = -Infinity;
  #untilWallMs = -Infinity;
  #tickNs: number;
  #tickWallMs: number;

  constructor(leaseMs: number, nowNs: number, wallMs: number) {
    this.#ns = leaseMs * NS_PER_MS;
    this.#tickNs = nowNs;
    this.#tickWallMs = wallMs;
  }

  /** The state has taken in a call that was sent at these times. */
  renew(sentNs: number, sentWallMs: number): void {
    const ns = this.#ns * (1 - DRIFT_PART);
    this.#untilNs = sentNs + ns;
    this.#untilWallMs = sentWallMs + ns / NS_PER_MS;
  }

  end(): void {
    this.#untilNs = -Infinity;
  }

  lives(nowNs: number, wallMs: number): boolean {
    return nowNs < this.#untilNs && wallMs < this.#untilWallMs;
  }

  /**
   * Whether this host stood still for a lease: nothing of it ran, by either clock. What it had queued
   * may have been sent again elsewhere meanwhile.
   */
  stoodStill(nowNs: number, wallMs: number): boolean {
    return nowNs - this.#tickNs > this.#ns || wallMs - this.#tickWallMs > this.#ns / NS_PER_MS;
  }

  /**
   * To be called several times a lease.
   * @returns by how many ms the wall clock went another way than the monotonic one since the last time
   */
  tick(nowNs: number, wallMs: number): number {
    const apartMs = wallMs - this.#tickWallMs - (nowNs - this.#tickNs) / NS_PER_MS;
    this.#tickNs = nowNs;
    this.#tickWallMs = wallMs;
    return apartMs;
  }
}
