/**
 * Writes patterns and holds what is read against them, while many requests are out.
 *
 * Each block carries who wrote it, where, and its version, then words made of these. One write at a
 * time is out to a block: a write to a busy block becomes a read, else the order of two writes would
 * be the device's to choose. A read must then show a version between the last that was answered when
 * it was issued and the last that was issued when it was answered. Blocks not written in this run may
 * hold anything.
 */
import { OPS } from '../core/model/request.js';
import type { Op } from '../core/model/request.js';
import type { RequestSource } from './request-source.js';

const STAMP_WORDS = 4;
const WORD_BYTES = 4;

/** The blocks of one tag: a region of the device that nobody else writes to. */
export class VerifiedRegion {
  readonly regionOffset: number;
  readonly blockBytes: number;
  /** Version that the newest answered write left, and that of the newest issued one. */
  readonly #settled: Uint32Array;
  readonly #issued: Uint32Array;
  readonly #busy: Uint8Array;
  readonly #owner: number;
  /** One block as it should be, by word and by byte. */
  readonly #rightWords: Uint32Array;
  readonly #right: Uint8Array;

  /** @param owner tells this writer's blocks from others': any 32-bit number */
  constructor(owner: number, regionOffset: number, regionBytes: number, blockBytes: number) {
    const blocks = Math.floor(regionBytes / blockBytes);
    this.regionOffset = regionOffset;
    this.blockBytes = blockBytes;
    this.#owner = owner >>> 0;
    this.#settled = new Uint32Array(blocks);
    this.#issued = new Uint32Array(blocks);
    this.#busy = new Uint8Array(blocks);
    this.#rightWords = new Uint32Array(blockBytes / WORD_BYTES);
    this.#right = new Uint8Array(this.#rightWords.buffer);
  }

  #block(offset: number): number {
    return (offset - this.regionOffset) / this.blockBytes;
  }

  /** Whether a write to the range would meet another that is out. */
  busy(offset: number, lengthBytes: number): boolean {
    const first = this.#block(offset);
    return this.#busy.subarray(first, first + lengthBytes / this.blockBytes).includes(1);
  }

  /** A write of the range goes out: what it carries. */
  payload(offset: number, lengthBytes: number): Uint8Array {
    const words = new Uint32Array(lengthBytes / WORD_BYTES);
    const first = this.#block(offset);
    for (let i = 0; i < lengthBytes / this.blockBytes; i++) {
      this.#busy[first + i] = 1;
      const version = (this.#issued[first + i]! + 1) >>> 0;
      this.#issued[first + i] = version;
      this.#stamp(words, (i * this.blockBytes) / WORD_BYTES, first + i, version);
    }
    return new Uint8Array(words.buffer);
  }

  /** The write came back. A failed one may have been carried out or not: both versions are then right. */
  written(offset: number, lengthBytes: number, served: boolean): void {
    const first = this.#block(offset);
    for (let block = first; block < first + lengthBytes / this.blockBytes; block++) {
      this.#busy[block] = 0;
      if (served) this.#settled[block] = this.#issued[block]!;
    }
  }

  /** A read of the range goes out: the oldest versions that it may show. */
  expected(offset: number, lengthBytes: number): Uint32Array {
    const first = this.#block(offset);
    return this.#settled.slice(first, first + lengthBytes / this.blockBytes);
  }

  /** '' where what was read is right; else what is wrong with it. */
  check(offset: number, data: Uint8Array, expected: Uint32Array): string {
    const first = this.#block(offset);
    const { blockBytes } = this;
    if (data.length !== expected.length * blockBytes) {
      return `read of ${String(expected.length * blockBytes)} bytes at ${String(offset)} brought ${String(data.length)}`;
    }
    for (let i = 0; i < expected.length; i++) {
      if (expected[i] === 0) continue;
      const found = data.subarray(i * blockBytes, (i + 1) * blockBytes);
      const version = new DataView(found.buffer, found.byteOffset).getUint32(2 * WORD_BYTES, true);
      const at = String(this.regionOffset + (first + i) * blockBytes);
      if (version < expected[i]! || version > this.#issued[first + i]!) {
        return `block at ${at} must have version ${String(expected[i])}..${String(this.#issued[first + i])}, got ${String(version)}`;
      }
      this.#stamp(this.#rightWords, 0, first + i, version);
      if (Buffer.compare(this.#right, found) !== 0)
        return `block at ${at} is not what version ${String(version)} wrote`;
    }
    return '';
  }

  /** @param at the block's first word in `into` */
  #stamp(into: Uint32Array, at: number, block: number, version: number): void {
    into[at] = this.#owner;
    into[at + 1] = block;
    into[at + 2] = version;
    into[at + 3] = ~version;
    let word = (Math.imul(this.#owner ^ block, 0x9e3779b1) ^ version) | 1;
    const end = at + this.blockBytes / WORD_BYTES;
    for (let i = at + STAMP_WORDS; i < end; i++) {
      // xorshift32, Marsaglia 2003: never 0 from an odd start.
      word ^= word << 13;
      word ^= word >>> 17;
      word ^= word << 5;
      into[i] = word;
    }
  }
}

/** A source whose writes to busy blocks become reads. */
export class VerifiedSource implements RequestSource {
  op: Op = OPS.READ;
  readonly #inner: RequestSource;
  readonly #region: VerifiedRegion;

  constructor(inner: RequestSource, region: VerifiedRegion) {
    this.#inner = inner;
    this.#region = region;
  }

  get offset(): number {
    return this.#inner.offset;
  }

  get lengthBytes(): number {
    return this.#inner.lengthBytes;
  }

  get dueNs(): number {
    return this.#inner.dueNs;
  }

  next(): boolean {
    const inner = this.#inner;
    if (!inner.next()) return false;
    this.op = inner.op === OPS.WRITE && this.#region.busy(inner.offset, inner.lengthBytes) ? OPS.READ : inner.op;
    return true;
  }
}
