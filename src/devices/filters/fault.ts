/** A device that fails, hangs or is late now and then, by the seed: for tests and drills. */
import { invalid, type Code } from '../../core/model/errors.js';
import { OPS, type DeviceDone, type DeviceIo } from '../../core/model/request.js';
import type { BlockDevice, Clock, Rng } from '../../core/ports.js';

export interface Faults {
  /** Part of the reads that end DEVICE_IO without being carried out, 0..1; 0. */
  readonly readErrorRate?: number;
  /** The same of all other operations. */
  readonly writeErrorRate?: number;
  /** Part of all operations that never end, 0..1; 0. */
  readonly hangRate?: number;
  /** Part of all operations that are told lateNs after they ended, 0..1; 0. */
  readonly lateRate?: number;
  readonly lateNs?: number;
}

export class FaultyDevice implements BlockDevice {
  readonly sizeBytes: number;
  readonly blockBytes: number;
  readonly readOnly: boolean;
  readonly #inner: BlockDevice;
  readonly #clock: Clock;
  readonly #rng: Rng;
  readonly #faults: Required<Faults>;
  /** Requests that this filter has yet to tell the end of. */
  #late = 0;
  #closed: (() => void) | null = null;

  /** @throws SluiceError INVALID_ARGUMENT where a rate is not in 0..1 */
  constructor(inner: BlockDevice, clock: Clock, rng: Rng, faults: Faults) {
    this.sizeBytes = inner.sizeBytes;
    this.blockBytes = inner.blockBytes;
    this.readOnly = inner.readOnly;
    this.#inner = inner;
    this.#clock = clock;
    this.#rng = rng;
    this.#faults = { readErrorRate: 0, writeErrorRate: 0, hangRate: 0, lateRate: 0, lateNs: 0, ...faults };
    for (const name of ['readErrorRate', 'writeErrorRate', 'hangRate', 'lateRate'] as const) {
      const rate = this.#faults[name];
      if (!(rate >= 0 && rate <= 1)) throw invalid(`faults.${name}`, '0..1', rate);
    }
  }

  submit(io: DeviceIo, done: DeviceDone): void {
    const { readErrorRate, writeErrorRate, hangRate, lateRate, lateNs } = this.#faults;
    // Three numbers a request whatever happens to it, so that one rate's change leaves the others' choices alone.
    const error = this.#rng.next() < (io.op === OPS.READ ? readErrorRate : writeErrorRate);
    const hang = this.#rng.next() < hangRate;
    const late = this.#rng.next() < lateRate;
    if (hang) return;
    if (error) this.#fail(io, done);
    else if (late) this.#submitLate(io, done, lateNs);
    else this.#inner.submit(io, done);
  }

  abandon(io: DeviceIo): void {
    this.#inner.abandon?.(io);
  }

  get trouble(): string {
    return this.#inner.trouble ?? '';
  }

  /** Waits for what is late or has failed, not for what hangs. */
  async close(): Promise<void> {
    if (this.#late > 0) await new Promise<void>((resolve) => (this.#closed = resolve));
    await this.#inner.close();
  }

  /** Not within submit: a long queue of failures would nest as deep. */
  #fail(io: DeviceIo, done: DeviceDone): void {
    this.#late += 1;
    this.#clock.after(0, () => {
      io.finishedNs = io.submittedNs;
      this.#tell(io, done, 'DEVICE_IO', 'an injected fault');
    });
  }

  #tell(io: DeviceIo, done: DeviceDone, code: Code, message: string): void {
    this.#late -= 1;
    done(io, code, message);
    if (this.#late === 0) this.#closed?.();
  }

  #submitLate(io: DeviceIo, done: DeviceDone, lateNs: number): void {
    this.#late += 1;
    this.#inner.submit(io, (_io, code, message) => {
      this.#clock.after(lateNs, () => {
        io.finishedNs += lateNs;
        this.#tell(io, done, code, message);
      });
    });
  }
}
