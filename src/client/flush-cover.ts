/**
 * What a FLUSH can promise. A FLUSH covers the writes answered before it on the same running host;
 * a host that is gone took its unflushed writes' durability with it, and no FLUSH elsewhere gives
 * that back. So the session counts, for each device, writes answered and writes covered; when the
 * host changes with some uncovered, the next FLUSH of every handle of the device is answered
 * OUTCOME_UNKNOWN, once: the caller then knows to write again what it has to keep.
 */
export class FlushCover {
  /** Writes answered OK without durability of their own. */
  answered = 0;
  /** Of those, the ones that some FLUSH made durable. */
  flushed = 0;

  flushedUpTo(writes: number): void {
    if (writes > this.flushed) this.flushed = writes;
  }

  /** Whether something was uncovered. From here on it counts as told. */
  hostGone(): boolean {
    const uncovered = this.answered > this.flushed;
    this.flushed = this.answered;
    return uncovered;
  }
}
