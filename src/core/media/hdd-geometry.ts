/**
 * Where bytes lie on the platters, and how long the arm and the platters take to bring them together.
 *
 * Addresses fill a cylinder head by head, cylinders from the outer edge inwards. Zones are equal
 * numbers of cylinders; a track of zone z holds what passes the head in a revolution there, less and
 * less inwards. Each track begins later on the circle than the one before it by the time of the switch
 * between them (skew), so that reading on does not miss a revolution.
 */
import { NS_PER_S } from '../model/units.js';
import type { HddParameters } from './hdd-parameters.js';

/** A spot on the platters, and the travelling end of a transfer. Reused, so that nothing is allocated a request. */
export interface Spot {
  zone: number;
  cylinder: number;
  head: number;
  /** Bytes from the start of the track. */
  within: number;
}

const SECTOR_BYTES = 512;
/**
 * A head that arrives this much of a revolution after a sector's start still catches it: the gap before
 * the data, and the rounding of times to whole nanoseconds. 100 ns of 8.3 ms.
 */
const CATCH = 1.2e-5;

export class HddGeometry {
  readonly #p: HddParameters;
  readonly #cylindersPerZone: number;
  readonly #cylinders: number;
  readonly #trackBytes: Float64Array;
  readonly #zoneStart: Float64Array;
  /** Skew of a whole cylinder: all its head switches and the step to the next. */
  readonly #cylinderSkewNs: number;
  readonly #phase: number;

  /** @param phase where on the circle the platters stand at time 0, [0, 1) */
  constructor(parameters: HddParameters, sizeBytes: number, phase: number) {
    const { heads, zones, revolutionNs, outerBytesPerS, innerBytesPerS } = parameters;
    this.#p = parameters;
    this.#phase = phase;
    this.#trackBytes = new Float64Array(zones);
    let perCylinderOfEach = 0;
    for (let zone = 0; zone < zones; zone++) {
      const rate = outerBytesPerS + ((innerBytesPerS - outerBytesPerS) * zone) / (zones - 1);
      const bytes = Math.floor((rate * revolutionNs) / NS_PER_S / SECTOR_BYTES) * SECTOR_BYTES;
      this.#trackBytes[zone] = bytes;
      perCylinderOfEach += bytes * heads;
    }
    this.#cylindersPerZone = Math.max(1, Math.ceil(sizeBytes / perCylinderOfEach));
    this.#cylinders = this.#cylindersPerZone * zones;
    this.#zoneStart = new Float64Array(zones);
    for (let zone = 1; zone < zones; zone++) {
      this.#zoneStart[zone] = this.#zoneStart[zone - 1]! + this.#zoneBytes(zone - 1);
    }
    this.#cylinderSkewNs = (heads - 1) * parameters.headSwitchNs + parameters.cylinderSwitchNs;
  }

  get cylinders(): number {
    return this.#cylinders;
  }

  locate(offset: number, spot: Spot): void {
    let zone = 0;
    for (let step = 16; step > 0; step >>= 1) {
      if (zone + step < this.#zoneStart.length && this.#zoneStart[zone + step]! <= offset) zone += step;
    }
    const inZone = offset - this.#zoneStart[zone]!;
    const trackBytes = this.#trackBytes[zone]!;
    const track = Math.floor(inZone / trackBytes);
    spot.zone = zone;
    spot.cylinder = zone * this.#cylindersPerZone + Math.floor(track / this.#p.heads);
    spot.head = track % this.#p.heads;
    spot.within = inZone - track * trackBytes;
  }

  /** Where on the circle the spot lies, in revolutions. */
  angle(spot: Spot): number {
    const skewNs = spot.cylinder * this.#cylinderSkewNs + spot.head * this.#p.headSwitchNs;
    return skewNs / this.#p.revolutionNs + spot.within / this.#trackBytes[spot.zone]!;
  }

  /** From `atNs` until the angle is under the head; less than a revolution. */
  rotationNs(angle: number, atNs: number): number {
    const turns = angle - atNs / this.#p.revolutionNs - this.#phase;
    const wait = turns - Math.floor(turns);
    return wait > 1 - CATCH ? 0 : wait * this.#p.revolutionNs;
  }

  /** Arm and settling; between heads of one cylinder the switch; 0 on one track. */
  seekNs(fromCylinder: number, fromHead: number, cylinder: number, head: number): number {
    const distance = Math.abs(cylinder - fromCylinder);
    if (distance === 0) return head === fromHead ? 0 : this.#p.headSwitchNs;
    const { seekOneNs, seekThirdNs, seekFullNs } = this.#p;
    const part = (distance - 1) / (this.#cylinders - 2);
    if (part <= 1 / 3) return seekOneNs + (seekThirdNs - seekOneNs) * Math.sqrt(3 * part);
    return seekThirdNs + (seekFullNs - seekThirdNs) * (1.5 * part - 0.5);
  }

  /** How long `lengthBytes` from the spot take, switches included; moves the spot to where they end. */
  transferNs(spot: Spot, lengthBytes: number): number {
    const { heads, revolutionNs, headSwitchNs, cylinderSwitchNs } = this.#p;
    let left = lengthBytes;
    let ns = 0;
    for (;;) {
      const trackBytes = this.#trackBytes[spot.zone]!;
      const here = Math.min(left, trackBytes - spot.within);
      ns += (here / trackBytes) * revolutionNs;
      left -= here;
      spot.within += here;
      if (left === 0) return ns;
      spot.within = 0;
      if (spot.head + 1 < heads) {
        spot.head += 1;
        ns += headSwitchNs;
        continue;
      }
      spot.head = 0;
      spot.cylinder += 1;
      ns += cylinderSwitchNs;
      // Whole cylinders at once: a WRITE_ZEROES of a whole disk has hundreds of thousands.
      const inZone = (Math.floor(spot.cylinder / this.#cylindersPerZone) + 1) * this.#cylindersPerZone - spot.cylinder;
      spot.zone = Math.floor(spot.cylinder / this.#cylindersPerZone);
      const cylinderBytes = heads * this.#trackBytes[spot.zone]!;
      const whole = Math.min(Math.floor((left - 1) / cylinderBytes), inZone - 1);
      if (whole > 0) {
        spot.cylinder += whole;
        left -= whole * cylinderBytes;
        ns += whole * (heads * revolutionNs + this.#cylinderSkewNs);
      }
    }
  }

  /** Rate of reading on through tracks and cylinders of a zone, switches included. */
  sustainedBytesPerNs(zone: number): number {
    const { heads, revolutionNs } = this.#p;
    return (heads * this.#trackBytes[zone]!) / (heads * revolutionNs + this.#cylinderSkewNs);
  }

  #zoneBytes(zone: number): number {
    return this.#cylindersPerZone * this.#p.heads * this.#trackBytes[zone]!;
  }
}
