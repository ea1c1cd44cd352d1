/**
 * When a tag was backlogged: the union of the intervals in which its requests waited.
 *
 * Replies come out of order, so the union is kept as disjoint pieces in order of time; while a tag
 * stays backlogged they melt into one. Their number is bounded: past the bound the oldest are written
 * into the bins that they cover wholly. An interval that comes later than that can no longer join
 * them, so the bound can only make a tag look less backlogged than it was.
 */
export const PIECES_MAX = 1_024;

export class Coverage {
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];

  /** Adds [start, end). */
  add(start: number, end: number): void {
    if (!(end > start)) return;
    const starts = this.#starts;
    const ends = this.#ends;
    let last = starts.length - 1;
    // Most intervals overlap the newest piece.
    while (last >= 0 && starts[last]! > end) last--;
    let first = last;
    let from = start;
    let to = end;
    while (first >= 0 && ends[first]! >= start) {
      if (starts[first]! < from) from = starts[first]!;
      if (ends[first]! > to) to = ends[first]!;
      first--;
    }
    const merged = last - first;
    if (merged === 1) {
      starts[last] = from;
      ends[last] = to;
      return;
    }
    starts.splice(first + 1, merged, from);
    ends.splice(first + 1, merged, to);
  }

  get pieces(): number {
    return this.#starts.length;
  }

  /** Takes the oldest `count` pieces out, each told to `piece`. */
  retire(count: number, piece: (start: number, end: number) => void): void {
    for (let i = 0; i < count; i++) piece(this.#starts[i]!, this.#ends[i]!);
    this.#starts.splice(0, count);
    this.#ends.splice(0, count);
  }
}
