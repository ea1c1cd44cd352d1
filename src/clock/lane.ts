/**
 * Timers that come due in the order in which they are armed, as turns on a processor do. Only the first
 * stands in the clock's heap, however many there are; each fires when it would have fired if it had been
 * armed by itself, among timers of one instant too, since it keeps the place that it took when it was armed.
 */
import { SluiceError } from '../core/model/errors.js';
import { HeapTimer } from './timer-heap.js';
import type { TimerHeap } from './timer-heap.js';

const CAPACITY_START = 16;

export class Lane<T> {
  readonly #heap: TimerHeap;
  readonly #fire: (item: T) => void;
  readonly #timer: HeapTimer;
  /** Rings, a power of two long: #count of them armed, from #first on. */
  #items: (T | null)[] = new Array<T | null>(CAPACITY_START).fill(null);
  #dueNs = new Float64Array(CAPACITY_START);
  #places = new Float64Array(CAPACITY_START);
  #first = 0;
  #count = 0;
  #lastDueNs = -Infinity;
  #firing = false;

  constructor(heap: TimerHeap, fire: (item: T) => void) {
    this.#heap = heap;
    this.#fire = fire;
    this.#timer = new HeapTimer(heap, () => this.#fireNext());
  }

  /** Items armed. */
  get count(): number {
    return this.#count;
  }

  /** When the next one is due; Infinity where none is armed. */
  get nextDueNs(): number {
    return this.#count === 0 ? Infinity : this.#dueNs[this.#first]!;
  }

  /** The next one. Only where count > 0. */
  get next(): T {
    return this.#items[this.#first]!;
  }

  /** Takes the next one out before its time. Only where count > 0, and while one fires. */
  take(): T {
    const first = this.#first;
    const item = this.#items[first]!;
    this.#items[first] = null;
    this.#first = (first + 1) & (this.#items.length - 1);
    this.#count--;
    return item;
  }

  /** @throws SluiceError INTERNAL where dueNs is before that of one armed earlier */
  at(dueNs: number, item: T): void {
    if (!(dueNs >= this.#lastDueNs)) throw outOfOrder(dueNs, this.#lastDueNs);
    this.#lastDueNs = dueNs;
    if (this.#count === this.#items.length) this.#grow();
    const at = (this.#first + this.#count++) & (this.#items.length - 1);
    const place = this.#heap.takePlace();
    this.#items[at] = item;
    this.#dueNs[at] = dueNs;
    this.#places[at] = place;
    if (this.#count === 1 && !this.#firing) this.#heap.put(this.#timer, dueNs, place);
  }

  #fireNext(): void {
    this.#firing = true;
    this.#fire(this.take());
    this.#firing = false;
    if (this.#count > 0) this.#heap.put(this.#timer, this.#dueNs[this.#first]!, this.#places[this.#first]!);
  }

  #grow(): void {
    const length = this.#items.length;
    const items = new Array<T | null>(length * 2).fill(null);
    const dueNs = new Float64Array(length * 2);
    const places = new Float64Array(length * 2);
    for (let i = 0; i < this.#count; i++) {
      const from = (this.#first + i) & (length - 1);
      items[i] = this.#items[from]!;
      dueNs[i] = this.#dueNs[from]!;
      places[i] = this.#places[from]!;
    }
    this.#items = items;
    this.#dueNs = dueNs;
    this.#places = places;
    this.#first = 0;
  }
}

function outOfOrder(dueNs: number, lastDueNs: number): SluiceError {
  return new SluiceError('INTERNAL', `a lane was armed for ${String(dueNs)} after ${String(lastDueNs)}`);
}
