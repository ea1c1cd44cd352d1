/**
 * What is due when: a binary heap of timers by (due time, order of arming), so that timers of one
 * instant fire in the order in which they were armed. Keys lie flat in typed arrays; the heap
 * allocates the handle that `after` has to give back and nothing else.
 */
import type { Timer } from '../core/ports.js';

const CAPACITY_START = 64;

/** One armed timer; knows its place in the heap, so that cancelling is O(log n). */
export class HeapTimer implements Timer {
  readonly #heap: TimerHeap;
  readonly fn: () => void;
  /** Place in the heap; -1 once fired or cancelled. */
  index = -1;

  constructor(heap: TimerHeap, fn: () => void) {
    this.#heap = heap;
    this.fn = fn;
  }

  cancel(): void {
    if (this.index >= 0) this.#heap.remove(this);
  }
}

export class TimerHeap {
  #dueNs = new Float64Array(CAPACITY_START);
  #order = new Float64Array(CAPACITY_START);
  readonly #timers: HeapTimer[] = [];
  #size = 0;
  #armed = 0;
  readonly #emptied: () => void;

  /** @param emptied called when cancelling took the last timer out */
  constructor(emptied: () => void = () => undefined) {
    this.#emptied = emptied;
  }

  get size(): number {
    return this.#size;
  }

  /** Infinity where nothing is armed. */
  get nextDueNs(): number {
    return this.#size === 0 ? Infinity : this.#dueNs[0]!;
  }

  arm(dueNs: number, fn: () => void): HeapTimer {
    const timer = new HeapTimer(this, fn);
    this.put(timer, dueNs, this.takePlace());
    return timer;
  }

  /** The place among timers of one instant that a timer armed now has. */
  takePlace(): number {
    return this.#armed++;
  }

  /** Arms a timer that is not armed, in a place taken now or earlier. */
  put(timer: HeapTimer, dueNs: number, place: number): void {
    const at = this.#size++;
    if (at === this.#dueNs.length) this.#grow();
    this.#rise(at, timer, dueNs, place);
  }

  /** Takes out the timer that is due first. Only where size > 0. */
  pop(): HeapTimer {
    const first = this.#timers[0]!;
    this.#take(first);
    return first;
  }

  remove(timer: HeapTimer): void {
    this.#take(timer);
    if (this.#size === 0) this.#emptied();
  }

  #take(timer: HeapTimer): void {
    const at = timer.index;
    timer.index = -1;
    const last = --this.#size;
    const moved = this.#timers.pop()!;
    if (at === last) return;
    const dueNs = this.#dueNs[last]!;
    const order = this.#order[last]!;
    if (at > 0 && this.#before(dueNs, order, (at - 1) >> 1)) this.#rise(at, moved, dueNs, order);
    else this.#sink(at, moved, dueNs, order);
  }

  #before(dueNs: number, order: number, at: number): boolean {
    const other = this.#dueNs[at]!;
    return dueNs < other || (dueNs === other && order < this.#order[at]!);
  }

  #rise(from: number, timer: HeapTimer, dueNs: number, order: number): void {
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#before(dueNs, order, parent)) break;
      this.#set(at, this.#timers[parent]!, this.#dueNs[parent]!, this.#order[parent]!);
      at = parent;
    }
    this.#set(at, timer, dueNs, order);
  }

  #sink(from: number, timer: HeapTimer, dueNs: number, order: number): void {
    const size = this.#size;
    let at = from;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      const right = child + 1;
      if (right < size && this.#before(this.#dueNs[right]!, this.#order[right]!, child)) child = right;
      if (this.#before(dueNs, order, child)) break;
      this.#set(at, this.#timers[child]!, this.#dueNs[child]!, this.#order[child]!);
      at = child;
    }
    this.#set(at, timer, dueNs, order);
  }

  #set(at: number, timer: HeapTimer, dueNs: number, order: number): void {
    this.#timers[at] = timer;
    this.#dueNs[at] = dueNs;
    this.#order[at] = order;
    timer.index = at;
  }

  #grow(): void {
    const dueNs = new Float64Array(this.#dueNs.length * 2);
    dueNs.set(this.#dueNs);
    this.#dueNs = dueNs;
    const order = new Float64Array(dueNs.length);
    order.set(this.#order);
    this.#order = order;
  }
}
