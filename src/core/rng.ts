/**
 * Seeded random numbers: sfc32 of Chris Doty-Humphrey's PractRand ("small fast chaotic", 128 bits of
 * state of which 32 count, so that its period is at least 2^32 from any seed), seeded by splitmix32.
 */
import { invalid } from './model/errors.js';
import type { Rng } from './ports.js';

const WORD = 2 ** 32;
/** Rounds that PractRand runs before the first number is used. */
const WARM_UP = 12;
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** A well mixed word: the finalizer of MurmurHash3. */
function mix(word: number): number {
  let z = word | 0;
  z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
  z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
  return (z ^ (z >>> 16)) >>> 0;
}

export class SeededRng implements Rng {
  readonly #seed: number;
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** @param seed an integer, 0..2^53-1 */
  constructor(seed: number) {
    if (!Number.isSafeInteger(seed) || seed < 0) throw invalid('seed', 'an integer 0..2^53-1', seed);
    this.#seed = seed;
    const low = mix(seed % WORD);
    const high = mix(Math.floor(seed / WORD) ^ 0x9e3779b9);
    this.#a = low | 0;
    this.#b = high | 0;
    this.#c = mix(low ^ Math.imul(high, FNV_PRIME)) | 0;
    for (let i = 0; i < WARM_UP; i++) this.word();
  }

  /** Uniform integer in [0, 2^32). */
  word(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  next(): number {
    // 53 bits: 27 from one word, 26 from the next.
    return ((this.word() >>> 5) * 2 ** 26 + (this.word() >>> 6)) / 2 ** 53;
  }

  below(bound: number): number {
    if (!Number.isInteger(bound) || bound < 1 || bound > WORD) throw invalid('bound', 'an integer 1..2^32', bound);
    // Words past the last whole multiple of bound would favour small remainders. It lies above WORD - bound: nearly
    // every word is below that, and takes no second division.
    let word = this.word();
    while (word > WORD - bound && word >= WORD - (WORD % bound)) word = this.word();
    return word % bound;
  }

  fork(name: string): Rng {
    let hash = FNV_OFFSET;
    for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), FNV_PRIME);
    const low = mix(hash ^ (this.#seed % WORD));
    const high = mix(Math.imul(hash, 0x9e3779b1) ^ Math.floor(this.#seed / WORD) ^ low);
    return new SeededRng((high >>> 11) * WORD + low);
  }
}
