/** Drives a device of this process: a workload's requests straight into its dispatcher. */
import { OPS } from '../core/model/request.js';
import type { Op } from '../core/model/request.js';
import { PendingIo } from '../core/pending-io.js';
import type { IoSink } from '../core/pending-io.js';
import type { Clock, ServedDevice } from '../core/ports.js';
import type { Target, TargetSink } from '../workload/target.js';

export class ServedTarget implements Target, IoSink {
  readonly sizeBytes: number;
  readonly blockBytes: number;
  /** Told of each reply; set before the first issue. */
  sink: TargetSink | null = null;

  readonly #served: ServedDevice;
  readonly #tags: readonly string[];
  readonly #clock: Clock;
  /** A write's payload is zeros: a simulation is asked for times, not for what was written. One view a length. */
  readonly #payloads = new Map<number, Uint8Array>();
  #zeros = new Uint8Array(0);

  constructor(served: ServedDevice, tags: readonly string[], clock: Clock) {
    this.#served = served;
    this.#tags = tags;
    this.#clock = clock;
    this.sizeBytes = served.sizeBytes;
    this.blockBytes = served.blockBytes;
  }

  issue(tag: number, op: Op, offset: number, lengthBytes: number, token: number): void {
    const data = op === OPS.WRITE ? this.#payload(lengthBytes) : null;
    this.#served.submit(new PendingIo(op, offset, lengthBytes, data, false, 0, token, 0, this), this.#tags[tag]!);
  }

  completed(io: PendingIo): void {
    const sink = this.sink!;
    if (io.code === 'OK') sink.replied(io.id, io.finishedNs, io.cost, io.queueNs, io.serviceNs, '');
    else sink.replied(io.id, this.#clock.nowNs(), io.cost, io.queueNs, io.serviceNs, `${io.code}: ${io.message}`);
  }

  #payload(lengthBytes: number): Uint8Array {
    let payload = this.#payloads.get(lengthBytes);
    if (payload !== undefined) return payload;
    if (lengthBytes > this.#zeros.length) {
      this.#zeros = new Uint8Array(lengthBytes);
      this.#payloads.clear();
    }
    payload = this.#zeros.subarray(0, lengthBytes);
    this.#payloads.set(lengthBytes, payload);
    return payload;
  }
}
