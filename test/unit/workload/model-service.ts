/** A service in a page, to make histories with: queues, slots, and a rule of who goes next. */
import type { Op } from '../../../src/core/model/request.js';
import type { VirtualClock } from '../../../src/clock/virtual.js';
import type { Target, TargetSink } from '../../../src/workload/target.js';

interface Waiting {
  readonly token: number;
  readonly cost: number;
  readonly arrivedNs: number;
  readonly sequence: number;
}

/** `fair`: lowest cost per share first. `fifo`: oldest first. */
export class ModelService implements Target {
  readonly sizeBytes = 2 ** 30;
  readonly blockBytes = 512;
  sink: TargetSink | null = null;
  /** Tokens issued, with what was asked. */
  readonly issued: { tag: number; op: Op; offset: number; lengthBytes: number; atNs: number }[] = [];
  readonly #queues: Waiting[][];
  readonly #served: number[];
  #free: number;
  #sequence = 0;

  readonly #clock: VirtualClock;
  readonly #shares: readonly number[];
  readonly #rule: 'fair' | 'fifo';
  readonly #serviceNs: (tag: number) => number;
  readonly #fails: (tag: number) => boolean;

  constructor(
    clock: VirtualClock,
    shares: readonly number[],
    depth: number,
    rule: 'fair' | 'fifo',
    serviceNs: (tag: number) => number,
    fails: (tag: number) => boolean = () => false,
  ) {
    this.#clock = clock;
    this.#shares = shares;
    this.#free = depth;
    this.#rule = rule;
    this.#serviceNs = serviceNs;
    this.#fails = fails;
    this.#queues = shares.map(() => []);
    this.#served = shares.map(() => 0);
  }

  issue(tag: number, op: Op, offset: number, lengthBytes: number, token: number): void {
    this.issued.push({ tag, op, offset, lengthBytes, atNs: this.#clock.nowNs() });
    const cost = Math.max(1, Math.ceil(lengthBytes / 16_384));
    this.#queues[tag]!.push({ token, cost, arrivedNs: this.#clock.nowNs(), sequence: this.#sequence++ });
    this.#grant();
  }

  #grant(): void {
    while (this.#free > 0) {
      const tag = this.#pick();
      if (tag < 0) return;
      const request = this.#queues[tag]!.shift()!;
      this.#free--;
      this.#served[tag] = this.#served[tag]! + request.cost;
      const queueNs = this.#clock.nowNs() - request.arrivedNs;
      const serviceNs = this.#serviceNs(tag);
      this.#clock.after(serviceNs, () => {
        this.#free++;
        const error = this.#fails(tag) ? 'DEVICE_IO: as told' : '';
        this.sink!.replied(request.token, this.#clock.nowNs(), request.cost, queueNs, serviceNs, error);
        this.#grant();
      });
    }
  }

  #pick(): number {
    let best = -1;
    for (let tag = 0; tag < this.#queues.length; tag++) {
      if (this.#queues[tag]!.length > 0 && (best < 0 || this.#rank(tag) < this.#rank(best))) best = tag;
    }
    return best;
  }

  #rank(tag: number): number {
    return this.#rule === 'fifo' ? this.#queues[tag]![0]!.sequence : this.#served[tag]! / this.#shares[tag]!;
  }
}
