/**
 * Numbers in order of (time, order of pushing): a binary heap in typed arrays that allocates nothing
 * once it has grown to the most it has held.
 */
const CAPACITY_START = 64;

export class EventHeap {
  #timesNs = new Float64Array(CAPACITY_START);
  #orders = new Float64Array(CAPACITY_START);
  #payloads = new Int32Array(CAPACITY_START);
  #size = 0;
  #pushed = 0;

  get size(): number {
    return this.#size;
  }

  /** Infinity where empty. */
  get nextNs(): number {
    return this.#size === 0 ? Infinity : this.#timesNs[0]!;
  }

  /** @param payload a 32-bit integer */
  push(timeNs: number, payload: number): void {
    if (this.#size === this.#timesNs.length) this.#grow();
    const times = this.#timesNs;
    // The newest of equal times goes last: a strict comparison of times alone keeps that on the way up.
    let at = this.#size++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (times[parent]! <= timeNs) break;
      this.#move(parent, at);
      at = parent;
    }
    this.#put(at, timeNs, this.#pushed++, payload);
  }

  /** Takes out the payload that is first. Only where size > 0. */
  pop(): number {
    const first = this.#payloads[0]!;
    const size = --this.#size;
    if (size > 0) this.#sink(size);
    return first;
  }

  /** Lets the element at `last`, which has left its place, sink from the root. */
  #sink(last: number): void {
    const times = this.#timesNs;
    const orders = this.#orders;
    const timeNs = times[last]!;
    const order = orders[last]!;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= last) break;
      let childNs = times[child]!;
      if (child + 1 < last) {
        const rightNs = times[child + 1]!;
        if (rightNs < childNs || (rightNs === childNs && orders[child + 1]! < orders[child]!)) {
          child += 1;
          childNs = rightNs;
        }
      }
      if (timeNs < childNs || (timeNs === childNs && order < orders[child]!)) break;
      this.#move(child, at);
      at = child;
    }
    this.#put(at, timeNs, order, this.#payloads[last]!);
  }

  #move(from: number, to: number): void {
    this.#put(to, this.#timesNs[from]!, this.#orders[from]!, this.#payloads[from]!);
  }

  #put(at: number, timeNs: number, order: number, payload: number): void {
    this.#timesNs[at] = timeNs;
    this.#orders[at] = order;
    this.#payloads[at] = payload;
  }

  #grow(): void {
    const capacity = this.#timesNs.length * 2;
    const timesNs = new Float64Array(capacity);
    const orders = new Float64Array(capacity);
    const payloads = new Int32Array(capacity);
    timesNs.set(this.#timesNs);
    orders.set(this.#orders);
    payloads.set(this.#payloads);
    this.#timesNs = timesNs;
    this.#orders = orders;
    this.#payloads = payloads;
  }
}
