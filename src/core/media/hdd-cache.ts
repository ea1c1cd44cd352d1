/**
 * The drive's read cache: segments that each hold one run of addresses. While nobody needs the arm it
 * goes on reading where the last read ended, into that read's segment, up to a segment's length past
 * what the host last asked for: sequential reads find their data in the cache, or on its way there.
 */
import type { HddParameters } from './hdd-parameters.js';
import type { HddGeometry, Spot } from './hdd-geometry.js';

/** How far ahead of what has been read a request may begin and still wait for it instead of seeking. */
const JOIN_BYTES = 128 * 1024;

export class HddCache {
  readonly #p: HddParameters;
  readonly #geometry: HddGeometry;
  readonly #start: Float64Array;
  readonly #end: Float64Array;
  readonly #usedNs: Float64Array;
  readonly #spot: Spot = { zone: 0, cylinder: 0, head: 0, within: 0 };

  /** The segment that is being read into; -1 where the arm does something else. */
  #ahead = -1;
  /** It had come to #fromOffset at #fromNs, goes on at #rate and stops at #limit. */
  #fromOffset = 0;
  #fromNs = 0;
  #rate = 0;
  #limit = 0;
  /** When the arm has what that segment began with. */
  #begunNs = 0;

  constructor(parameters: HddParameters, geometry: HddGeometry) {
    this.#p = parameters;
    this.#geometry = geometry;
    this.#start = new Float64Array(parameters.cacheSegments);
    this.#end = new Float64Array(parameters.cacheSegments);
    this.#usedNs = new Float64Array(parameters.cacheSegments).fill(-1);
  }

  /** Whether all of the range is in the cache at atNs. A hit keeps its segment and lets reading ahead go further. */
  hit(offset: number, lengthBytes: number, atNs: number): boolean {
    const start = this.#start;
    const end = this.#end;
    const ahead = this.#ahead;
    const last = offset + lengthBytes;
    if (ahead >= 0) end[ahead] = this.#reached(atNs);
    for (let i = 0; i < start.length; i++) {
      // One branch for both: each by itself goes either way half of the time, and is foreseen as often.
      if ((+(start[i]! <= offset) & +(last <= end[i]!)) === 0) continue;
      if (i === ahead && atNs < this.#begunNs) continue;
      this.#usedNs[i] = atNs;
      if (i === ahead) this.#extend(last, atNs);
      return true;
    }
    return false;
  }

  /** When reading ahead will have the whole range; Infinity where it does not lie on its way. */
  arrivesNs(offset: number, lengthBytes: number, atNs: number): number {
    if (this.#ahead < 0 || offset < this.#start[this.#ahead]!) return Infinity;
    if (offset > this.#reached(atNs) + JOIN_BYTES) return Infinity;
    const end = offset + lengthBytes;
    if (end <= this.#limit) return this.#fromNs + (end - this.#fromOffset) / this.#rate;
    // Not stopped yet: goes on past its limit. Stopped: has to wait for the platters first.
    const stoppedNs = this.#fromNs + (this.#limit - this.#fromOffset) / this.#rate;
    return Math.max(atNs, stoppedNs) + this.#restartNs(stoppedNs, atNs) + (end - this.#limit) / this.#rate;
  }

  /** The range will be waited for. */
  join(offset: number, lengthBytes: number, atNs: number): void {
    this.#usedNs[this.#ahead] = atNs;
    this.#extend(offset + lengthBytes, atNs);
  }

  /** The arm has read the range and reads on from endNs. */
  readOn(offset: number, lengthBytes: number, zone: number, endNs: number): void {
    const end = offset + lengthBytes;
    this.invalidate(offset, lengthBytes);
    this.#ahead = this.#oldest();
    this.#start[this.#ahead] = Math.max(offset, end - this.#p.segmentBytes);
    this.#end[this.#ahead] = end;
    this.#usedNs[this.#ahead] = endNs;
    this.#fromOffset = end;
    this.#fromNs = endNs;
    this.#begunNs = endNs;
    this.#rate = this.#geometry.sustainedBytesPerNs(zone);
    this.#limit = end + this.#p.segmentBytes;
  }

  /** How far reading ahead has come; -1 where the arm does something else. */
  aheadEnd(atNs: number): number {
    return this.#ahead < 0 ? -1 : this.#reached(atNs);
  }

  /** The arm is needed elsewhere: what has been read by atNs stays. */
  stop(atNs: number): void {
    if (this.#ahead < 0) return;
    const end = this.#reached(atNs);
    this.#end[this.#ahead] = end;
    this.#start[this.#ahead] = Math.max(this.#start[this.#ahead]!, end - this.#p.segmentBytes);
    this.#ahead = -1;
  }

  /** The range is about to be written. Only after stop. */
  invalidate(offset: number, lengthBytes: number): void {
    const start = this.#start;
    const end = this.#end;
    const last = offset + lengthBytes;
    for (let i = 0; i < start.length; i++) {
      if ((+(offset < end[i]!) & +(start[i]! < last)) === 0) continue;
      end[i] = Math.max(start[i]!, offset);
      if (end[i] === start[i]) this.#usedNs[i] = -1;
    }
  }

  #reached(atNs: number): number {
    const read = this.#fromOffset + Math.floor(Math.max(0, atNs - this.#fromNs) * this.#rate);
    return Math.min(read, this.#limit);
  }

  /** Lets reading ahead go to a segment's length past `end`. */
  #extend(end: number, atNs: number): void {
    const stoppedNs = this.#fromNs + (this.#limit - this.#fromOffset) / this.#rate;
    if (stoppedNs <= atNs) {
      this.#fromNs = atNs + this.#restartNs(stoppedNs, atNs);
      this.#fromOffset = this.#limit;
    }
    this.#limit = Math.max(this.#limit, end + this.#p.segmentBytes);
    this.#start[this.#ahead] = Math.max(this.#start[this.#ahead]!, this.#reached(atNs) - this.#p.segmentBytes);
  }

  /** How long a reading ahead that stopped on reaching its limit waits for the platters to come round again. */
  #restartNs(stoppedNs: number, atNs: number): number {
    if (stoppedNs >= atNs) return 0;
    this.#geometry.locate(this.#limit, this.#spot);
    return this.#geometry.rotationNs(this.#geometry.angle(this.#spot), atNs);
  }

  #oldest(): number {
    const usedNs = this.#usedNs;
    let oldest = 0;
    let oldestNs = usedNs[0]!;
    for (let i = 1; i < usedNs.length; i++) {
      if (usedNs[i]! >= oldestNs) continue;
      oldest = i;
      oldestNs = usedNs[i]!;
    }
    return oldest;
  }
}
