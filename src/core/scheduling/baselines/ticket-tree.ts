/**
 * Tickets by holder, and who holds the n-th: a complete binary tree of sums in one array. Holder h is at
 * place `holders + h`, the sum of places 2i and 2i + 1 at i, the sum of all at 1.
 */
export class TicketTree {
  private holders = 16;
  private sums = new Float64Array(32);

  get total(): number {
    return this.sums[1]!;
  }

  set(holder: number, tickets: number): void {
    while (holder >= this.holders) this.grow();
    const { sums } = this;
    let at = this.holders + holder;
    sums[at] = tickets;
    // Sums are made anew from both halves, not by differences, so that no rounding gathers.
    while (at > 1) {
      at >>= 1;
      sums[at] = sums[2 * at]! + sums[2 * at + 1]!;
    }
  }

  /** @param ticket in [0, total); with total above 0 */
  holderOf(ticket: number): number {
    const { sums, holders } = this;
    let left = ticket;
    let at = 1;
    while (at < holders) {
      at *= 2;
      // Where rounding has left a ticket past the end, it goes to the last who holds any.
      if (left >= sums[at]! && sums[at + 1]! > 0) {
        left -= sums[at]!;
        at++;
      }
    }
    return at - holders;
  }

  private grow(): void {
    const { sums, holders } = this;
    this.holders *= 2;
    this.sums = new Float64Array(2 * this.holders);
    for (let holder = 0; holder < holders; holder++) this.set(holder, sums[holders + holder]!);
  }
}
