/** First in, first out, over numbers 0..n-1; one may leave from the middle. A slot is in it once at most. */
const NONE = -1;

export class LineQueue {
  readonly #next: Int32Array;
  readonly #prev: Int32Array;
  #first = NONE;
  #last = NONE;
  size = 0;

  constructor(slots: number) {
    this.#next = new Int32Array(slots);
    this.#prev = new Int32Array(slots);
  }

  push(slot: number): void {
    this.#next[slot] = NONE;
    this.#prev[slot] = this.#last;
    if (this.#last === NONE) this.#first = slot;
    else this.#next[this.#last] = slot;
    this.#last = slot;
    this.size += 1;
  }

  /** The oldest; only while there is one. */
  shift(): number {
    const slot = this.#first;
    this.remove(slot);
    return slot;
  }

  /** Only what is in it. */
  remove(slot: number): void {
    const next = this.#next[slot]!;
    const prev = this.#prev[slot]!;
    if (prev === NONE) this.#first = next;
    else this.#next[prev] = next;
    if (next === NONE) this.#last = prev;
    else this.#prev[next] = prev;
    this.size -= 1;
  }
}
