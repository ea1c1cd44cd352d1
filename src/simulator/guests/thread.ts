/**
 * One thread of an application: a closed loop of operations, each some time on the guest's processor and
 * then, where memory does not answer it, a wait for the disk.
 *
 * Where a guest has one thread, operations that memory answers need no event: the thread runs ahead
 * of the clock through them and comes back to it with the first one that asks the disk for something.
 * Nobody else on that guest could have come in between; with more threads each operation takes its
 * turn on the processor at its time.
 */
import type { Application } from './application.js';
import type { Guest } from './guest.js';
import type { IoWaiter } from './hypervisor.js';
import { Operation } from './program.js';
import type { Program } from './program.js';

export class Thread implements IoWaiter {
  readonly operation = new Operation();
  /** Whether the operation needed nothing but memory when it began. */
  inMemory = false;
  readonly application: Application;
  readonly #guest: Guest;
  readonly #program: Program;
  readonly #alone: boolean;
  readonly #endNs: number;
  #startNs = 0;

  /** @param endNs clock time of the end of the run: what ends later is not counted */
  constructor(guest: Guest, application: Application, program: Program, alone: boolean, endNs: number) {
    this.#guest = guest;
    this.application = application;
    this.#program = program;
    this.#alone = alone;
    this.#endNs = endNs;
  }

  start(): void {
    this.#go(this.#guest.nowNs);
  }

  /** The operation is over, at the guest's time. */
  ended(): void {
    this.endedAt(this.#guest.nowNs);
  }

  endedAt(nowNs: number): void {
    this.#count(nowNs);
    this.#go(nowNs);
  }

  /** What it asked the disk for is there. */
  ioDone(): void {
    this.#guest.threadIoDone(this);
  }

  #go(fromNs: number): void {
    const { operation } = this;
    const guest = this.#guest;
    let atNs = fromNs;
    while (atNs < this.#endNs) {
      this.#program.next(operation);
      this.#startNs = atNs;
      this.inMemory = guest.endsInMemory(this);
      atNs = guest.compute(atNs, operation.cpuNs + (this.inMemory ? 0 : guest.exitNs(this)));
      if (!this.#alone || !this.inMemory) {
        guest.performAt(atNs, this);
        return;
      }
      this.#count(atNs);
    }
  }

  #count(nowNs: number): void {
    if (nowNs > this.#endNs) return;
    this.application.meter.record(nowNs - this.#startNs, this.operation.lengthBytes);
  }
}
