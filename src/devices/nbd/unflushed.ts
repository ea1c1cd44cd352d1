/**
 * Changes that the server has answered and may still lose, in the order of their answers. They are kept
 * until a FLUSH that was sent after their answers has been answered: should the server die before, they
 * are written again to the one that comes in its place.
 */
import { MIB } from '../../core/model/units.js';
import { Job } from './job.js';

/** Past either no change is sent until a flush has made room. */
const BYTES_MAX = 64 * MIB;
const CHANGES_MAX = 16_384;

export class Unflushed {
  readonly #jobs: Job[] = [];
  /** Position of the first of #jobs, counting from the device's begin. */
  #first = 0;
  #bytes = 0;

  /** The position behind the last. */
  get end(): number {
    return this.#first + this.#jobs.length;
  }

  get full(): boolean {
    return this.#bytes >= BYTES_MAX || this.#jobs.length >= CHANGES_MAX;
  }

  /** Time to flush, so that it does not fill. */
  get halfFull(): boolean {
    return this.#bytes >= BYTES_MAX / 2 || this.#jobs.length >= CHANGES_MAX / 2;
  }

  /** In order; as it is now. */
  all(): Job[] {
    return [...this.#jobs];
  }

  /** The data is copied: it is its caller's again once the change is answered. */
  add(job: Job): void {
    const { op, offset, lengthBytes, data, order } = job;
    this.#jobs.push(new Job(op, offset, lengthBytes, false, data === null ? null : Uint8Array.from(data), order));
    this.#bytes += data?.length ?? 0;
  }

  /** What stands before the position is durable. */
  dropBefore(position: number): void {
    const count = position - this.#first;
    if (count <= 0) return;
    for (const job of this.#jobs.splice(0, count)) this.#bytes -= job.data?.length ?? 0;
    this.#first = position;
  }
}
