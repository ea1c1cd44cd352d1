/**
 * What the simulated SSD is made of: a SATA drive of the paper's time (section 5: 35,000 reads,
 * 85,000 writes a second of 4 KiB).
 *
 * Sources. Structure (channels, dies behind each, one page register a die, serial bus a channel,
 * log-structured writes, interleaving over dies): Agrawal et al., "Design Tradeoffs for SSD
 * Performance", USENIX ATC 2008. Page read and program times of MLC flash (tens of microseconds;
 * about 0.6 to 1.5 ms at the 2x nm node): Grupp, Davis, Swanson, "The Bleak Future of NAND Flash
 * Memory", FAST 2012. Bus: ONFI 2.x, 8 bits at 200 MT/s. Interface: SATA 6 Gb/s, of whose 600 MB/s
 * after 8b/10b about 550 carry data.
 *
 * Calibration. Dies alone would read 32 / 75 us = 427,000 pages a second: what holds a drive of that
 * time at 35,000 is its controller (map look-up, error correction), one page after the other. Writes
 * are acknowledged from the buffer; once it is full they go as fast as the dies program:
 * 32 dies x 4 sectors / (82 us transfer + program) = 85,000 a second gives a program time of 1,424 us,
 * erases and garbage collection of a drive in its steady state included.
 */
import { KIB, MIB } from '../model/units.js';

/** What the controller maps: the unit in which the buffer is counted. */
export const SECTOR_BYTES = 4 * KIB;

export interface SsdParameters {
  readonly channels: number;
  readonly diesPerChannel: number;
  /** What one read senses and one program writes; a multiple of SECTOR_BYTES. */
  readonly pageBytes: number;
  readonly readNs: number;
  readonly programNs: number;
  readonly channelBytesPerS: number;
  readonly interfaceBytesPerS: number;
  readonly bufferBytes: number;
  /** Protocol and firmware on the way of each command; takes none of the controller's capacity. */
  readonly commandNs: number;
  /** Controller time of one page read, of one page's worth taken in, of one TRIM or WRITE_ZEROES (both change the map alone). */
  readonly readControllerNs: number;
  readonly writeControllerNs: number;
  readonly trimControllerNs: number;
}

export const PAPER_SSD: SsdParameters = {
  channels: 8,
  diesPerChannel: 4,
  pageBytes: 16 * KIB,
  readNs: 75_000,
  programNs: 1_423_960,
  channelBytesPerS: 200e6,
  interfaceBytesPerS: 550e6,
  bufferBytes: 4 * MIB,
  commandNs: 20_000,
  readControllerNs: 28_571,
  writeControllerNs: 5_000,
  trimControllerNs: 30_000,
};
