/**
 * What the simulated hard disk is made of: Hitachi Deskstar 7K500 (HDS725050KLA360), 3.5", 7200 rpm,
 * 10 heads, 30 zones.
 *
 * Sources. "Deskstar 7K500 and Deskstar E7K500 Hard Disk Drive specification", table 10: 76.3 MB/s at
 * the head in zone 0 and 36.5 in zone 29 (64.8 and 31.0 sustained), interface 300 MB/s; table 12:
 * 4,096 random single-sector reads in 55.5 s, by its formula 105 % of 4,096 x (overhead + seek + half a
 * revolution), from which with the published average seek of 8.5 ms an overhead of 0.22 ms follows;
 * cache 16 MB, native command queueing. Head switch 1.4 ms, cylinder switch 1.8 ms and full stroke
 * 14.7 ms: the same maker's specification of the Deskstar line's mechanics (60GXP, section 4.3.2);
 * they give the sustained rate: 76.3 x 8.33 / (8.33 + (9 x 1.4 + 1.8) / 10) = 65 MB/s. A write
 * settles 1 ms longer: 9.5 against 8.5 ms in the Deskstar 7K1000.C specification, table 9.
 *
 * Shape of the seek curve, a + b sqrt(d) for short and c + e d for long distances: Ruemmler and Wilkes,
 * "An introduction to disk drive modeling", IEEE Computer 27(3), 1994. With 1.0 ms for one cylinder,
 * 14.7 for all and the branches meeting at a third of the stroke, an average of 8.5 ms over all
 * pairs of cylinders puts the meeting point at 9.39 ms.
 *
 * Order of the queue: shortest positioning time first with ageing, ASPTF of Worthington, Ganger, Patt,
 * "Scheduling algorithms for modern disk drives", SIGMETRICS 1994 (effective time = positioning
 * time - weight x time waited).
 *
 * A simulation of another size has fewer or more cylinders over the same stroke.
 */
import { MIB } from '../model/units.js';

export interface HddParameters {
  readonly heads: number;
  readonly zones: number;
  readonly revolutionNs: number;
  /** At the head. */
  readonly outerBytesPerS: number;
  readonly innerBytesPerS: number;
  readonly headSwitchNs: number;
  readonly cylinderSwitchNs: number;
  readonly seekOneNs: number;
  /** Where the square root ends and the line begins, a third of the stroke. */
  readonly seekThirdNs: number;
  readonly seekFullNs: number;
  readonly writeSettleNs: number;
  /** Of a command that needs the arm; it runs while the arm serves another. */
  readonly commandNs: number;
  /** Of a command that does not: a hit in the cache, FLUSH (there is no write cache to empty), TRIM. */
  readonly electronicsNs: number;
  readonly interfaceBytesPerS: number;
  readonly cacheSegments: number;
  readonly segmentBytes: number;
  /** Nanoseconds of positioning that a nanosecond of waiting is worth. */
  readonly ageing: number;
}

export const DESKSTAR_7K500: HddParameters = {
  heads: 10,
  zones: 30,
  revolutionNs: 60e9 / 7_200,
  outerBytesPerS: 76.3e6,
  innerBytesPerS: 36.5e6,
  headSwitchNs: 1.4e6,
  cylinderSwitchNs: 1.8e6,
  seekOneNs: 1e6,
  seekThirdNs: 9.39e6,
  seekFullNs: 14.7e6,
  writeSettleNs: 1e6,
  commandNs: 220_000,
  electronicsNs: 50_000,
  interfaceBytesPerS: 300e6,
  cacheSegments: 16,
  segmentBytes: MIB,
  ageing: 0.03,
};
