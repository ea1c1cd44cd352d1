/** Row numbers in order of joining, each with its time; leaving costs the same from anywhere. */
import { grown } from '../../core/scheduling/typed-growth.js';

const NONE = -1;
/** Of a number that does not stand in the list. */
const OUTSIDE = -2;

export class RowList {
  first = NONE;
  size = 0;
  private last = NONE;
  private next = new Int32Array(64).fill(OUTSIDE);
  private prev = new Int32Array(64);
  private times = new Float64Array(64);

  /** No effect where it stands in the list. */
  append(row: number, nowNs: number): void {
    while (row >= this.next.length) this.grow();
    if (this.next[row] !== OUTSIDE) return;
    this.next[row] = NONE;
    this.prev[row] = this.last;
    this.times[row] = nowNs;
    if (this.last === NONE) this.first = row;
    else this.next[this.last] = row;
    this.last = row;
    this.size += 1;
  }

  /** No effect where it does not. */
  remove(row: number): void {
    if (row >= this.next.length || this.next[row] === OUTSIDE) return;
    const next = this.next[row]!;
    const prev = this.prev[row]!;
    if (prev === NONE) this.first = next;
    else this.next[prev] = next;
    if (next === NONE) this.last = prev;
    else this.prev[next] = prev;
    this.next[row] = OUTSIDE;
    this.size -= 1;
  }

  /** When it joined. */
  sinceNs(row: number): number {
    return this.times[row]!;
  }

  private grow(): void {
    const capacity = this.next.length;
    this.next = grown(this.next, capacity * 2).fill(OUTSIDE, capacity);
    this.prev = grown(this.prev, capacity * 2);
    this.times = grown(this.times, capacity * 2);
  }
}
