/**
 * Who waits for which pages. Pages are counted by epoch; a FLUSH closes the present epoch and ends
 * when that epoch and all before it have no page left, whatever order the dies finish in.
 */
interface Epoch {
  pages: number;
  /** Slots that wait for it; none as long as it is open. */
  readonly slots: number[];
}

export class FlushBarrier {
  readonly #epochs: Epoch[] = [{ pages: 0, slots: [] }];
  /** Number of #epochs[0]. */
  #first = 0;

  /** A page is on its way; returns the epoch that it is to be reported with. */
  issued(): number {
    const last = this.#epochs.length - 1;
    this.#epochs[last]!.pages += 1;
    return this.#first + last;
  }

  /** A page of that epoch has been programmed; calls `ended` for each slot that waits no longer. */
  programmed(epoch: number, ended: (slot: number) => void): void {
    this.#epochs[epoch - this.#first]!.pages -= 1;
    while (this.#epochs.length > 1 && this.#epochs[0]!.pages === 0) {
      for (const slot of this.#epochs[0]!.slots) ended(slot);
      this.#epochs.shift();
      this.#first += 1;
    }
  }

  /** `slot` waits for every page issued so far. False where there is none to wait for. */
  wait(slot: number): boolean {
    const last = this.#epochs.length - 1;
    const open = this.#epochs[last]!;
    if (open.pages > 0) {
      open.slots.push(slot);
      this.#epochs.push({ pages: 0, slots: [] });
      return true;
    }
    if (last === 0) return false;
    this.#epochs[last - 1]!.slots.push(slot);
    return true;
  }
}
