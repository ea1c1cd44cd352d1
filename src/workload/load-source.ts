/** Requests of a made-up application, from a seed. */
import { invalid } from '../core/model/errors.js';
import { OPS } from '../core/model/request.js';
import type { Op } from '../core/model/request.js';
import { NS_PER_S } from '../core/model/units.js';
import type { Rng } from '../core/ports.js';
import type { LoadOp, LoadSpec } from './load-spec.js';
import type { RequestSource } from './request-source.js';

/** What rng.below can draw from. */
const PLACES_MAX = 2 ** 32;

export class LoadSource implements RequestSource {
  op: Op = OPS.READ;
  offset = 0;
  lengthBytes = 0;
  dueNs = 0;

  readonly #spec: LoadSpec;
  readonly #rng: Rng;
  readonly #regionOffset: number;
  /** Requests that fit into the region side by side. */
  readonly #places: number;
  #place = 0;

  /** @throws SluiceError INVALID_ARGUMENT where size or region do not fit the device */
  constructor(spec: LoadSpec, device: { readonly sizeBytes: number; readonly blockBytes: number }, rng: Rng) {
    const { tag, sizeBytes, regionOffset } = spec;
    const multiple = `a multiple of the device's block (${String(device.blockBytes)} bytes)`;
    if (sizeBytes % device.blockBytes !== 0) throw invalid(`--tag ${tag}: size`, multiple, sizeBytes);
    if (regionOffset % device.blockBytes !== 0) throw invalid(`--tag ${tag}: region`, multiple, regionOffset);
    const bytes = spec.regionBytes === 0 ? device.sizeBytes - regionOffset : spec.regionBytes;
    if (regionOffset + bytes > device.sizeBytes) {
      const size = String(device.sizeBytes);
      throw invalid(
        `--tag ${tag}: region`,
        `within the device's ${size} bytes`,
        `${String(regionOffset)}+${String(bytes)}`,
      );
    }
    if (bytes < sizeBytes)
      throw invalid(`--tag ${tag}: region`, `at least one request (${String(sizeBytes)} bytes)`, bytes);
    this.#spec = spec;
    this.#rng = rng;
    this.#regionOffset = regionOffset;
    this.#places = Math.min(PLACES_MAX, Math.floor(bytes / sizeBytes));
  }

  next(): boolean {
    const { op, ratePerS, sizeBytes } = this.#spec;
    // Exponential gaps: what many independent users together look like.
    if (ratePerS > 0) this.dueNs += (-Math.log(1 - this.#rng.next()) * NS_PER_S) / ratePerS;
    this.op = this.#operation(op);
    if (this.op === OPS.FLUSH) {
      this.offset = 0;
      this.lengthBytes = 0;
      return true;
    }
    this.lengthBytes = sizeBytes;
    this.offset = this.#regionOffset + this.#nextPlace(op) * sizeBytes;
    return true;
  }

  #operation(op: LoadOp): Op {
    switch (op) {
      case 'read':
      case 'randread':
        return OPS.READ;
      case 'write':
      case 'randwrite':
        return OPS.WRITE;
      case 'rw':
      case 'randrw':
        return this.#rng.below(100) < this.#spec.readPercent ? OPS.READ : OPS.WRITE;
      case 'flush':
        return OPS.FLUSH;
      case 'trim':
        return OPS.TRIM;
    }
  }

  #nextPlace(op: LoadOp): number {
    if (op !== 'read' && op !== 'write' && op !== 'rw') return this.#rng.below(this.#places);
    const place = this.#place;
    this.#place = (place + 1) % this.#places;
    return place;
  }
}
