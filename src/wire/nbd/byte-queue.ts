/** Bytes as they come off a socket, taken out in the sizes that the protocol has them in. */
export class ByteQueue {
  readonly #chunks: Buffer[] = [];
  /** Bytes of the first chunk that have been taken. */
  #taken = 0;
  #length = 0;
  /** Where the bytes of the last `takeWhole` begin. */
  takenAt = 0;

  /** Bytes that wait. */
  get length(): number {
    return this.#length;
  }

  /** The chunk is kept, not copied: it must not change. */
  push(chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#length += chunk.length;
  }

  /** The next bytes in one piece, at least one, left where they are; null where fewer wait. */
  peek(bytes: number): Buffer | null {
    if (bytes > this.#length) return null;
    const first = this.#chunks[0]!;
    if (first.length - this.#taken < bytes) {
      const piece = this.take(bytes)!;
      this.#unshift(piece);
      return piece;
    }
    return first.subarray(this.#taken, this.#taken + bytes);
  }

  /** The next bytes in one piece, copied only where they came in several; null where fewer wait. */
  take(bytes: number): Buffer | null {
    if (bytes > this.#length) return null;
    if (bytes === 0) return Buffer.alloc(0);
    const first = this.#chunks[0]!;
    const end = this.#taken + bytes;
    if (end > first.length) return this.#gather(bytes);
    const piece = first.subarray(this.#taken, end);
    this.skip(bytes);
    return piece;
  }

  /** As `take`, with nothing cut out: they begin at `takenAt` of what is returned. */
  takeWhole(bytes: number): Buffer | null {
    if (bytes > this.#length) return null;
    const first = this.#chunks[0]!;
    this.takenAt = this.#taken;
    if (this.#taken + bytes <= first.length) {
      this.skip(bytes);
      return first;
    }
    this.takenAt = 0;
    return this.#gather(bytes);
  }

  /** Drops the next bytes, as many as wait at most. @returns how many */
  skip(bytes: number): number {
    let left = Math.min(bytes, this.#length);
    const skipped = left;
    this.#length -= left;
    let whole = 0;
    while (left > 0) {
      const here = this.#chunks[whole]!.length - this.#taken;
      if (left < here) {
        this.#taken += left;
        break;
      }
      left -= here;
      this.#taken = 0;
      whole += 1;
    }
    if (whole === 1) this.#chunks.shift();
    else if (whole > 1) this.#chunks.splice(0, whole);
    return skipped;
  }

  #gather(bytes: number): Buffer {
    const piece = Buffer.allocUnsafeSlow(bytes);
    let filled = 0;
    let from = this.#taken;
    for (const chunk of this.#chunks) {
      filled += chunk.copy(piece, filled, from);
      from = 0;
      if (filled === bytes) break;
    }
    this.skip(bytes);
    return piece;
  }

  #unshift(piece: Buffer): void {
    if (this.#taken > 0) {
      this.#chunks[0] = this.#chunks[0]!.subarray(this.#taken);
      this.#taken = 0;
    }
    this.#chunks.unshift(piece);
    this.#length += piece.length;
  }
}
