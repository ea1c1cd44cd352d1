/**
 * A block on its way out of the process, to a journal or a store: with the names of its tags instead
 * of numbers, which are this process's own. Sums and histograms are two records, each with its names,
 * because they are kept and read apart.
 *
 *   version (1), number of tags, bytes of names, names, content
 *   an interval: version (1), device, start, range of numbers, number of tags, names, sums, histograms
 *   names: for each, how many characters it has in common with the one before, how many follow, those
 */
import { SluiceError } from '../model/errors.js';
import { ByteReader, ByteWriter } from './bytes.js';

const VERSION = 1;

export interface PortablePart {
  readonly names: Uint8Array;
  readonly count: number;
  /** Sums or histograms, as of a block. */
  readonly content: Uint8Array;
}

export function packNames(count: number, nameOf: (index: number) => string): Uint8Array {
  const writer = new ByteWriter();
  let before = '';
  for (let i = 0; i < count; i++) {
    const name = nameOf(i);
    let common = 0;
    while (common < name.length && name.charCodeAt(common) === before.charCodeAt(common)) common += 1;
    writer.varint(common);
    writer.varint(name.length - common);
    writer.ascii(name, common);
    before = name;
  }
  return writer.take();
}

export function unpackNames(names: Uint8Array, count: number): string[] {
  const reader = new ByteReader(names);
  const found: string[] = [];
  let before = '';
  for (let i = 0; i < count; i++) {
    const common = reader.varint();
    before = before.slice(0, common) + reader.ascii(reader.varint());
    found.push(before);
  }
  return found;
}

export function packPart(part: PortablePart): Uint8Array {
  const writer = new ByteWriter();
  writer.byte(VERSION);
  writer.varint(part.count);
  writer.varint(part.names.length);
  writer.raw(part.names);
  writer.raw(part.content);
  return writer.take();
}

/** Views on `bytes`, no copies. @throws SluiceError INTERNAL for a version that is not known, or bytes cut off */
export function unpackPart(bytes: Uint8Array): PortablePart {
  const reader = new ByteReader(bytes);
  checkVersion(reader.byte());
  const count = reader.varint();
  const names = reader.raw(reader.varint());
  return { names, count, content: reader.raw(reader.left) };
}

/** An interval of one device as a journal keeps it, with both of its parts. */
export interface PortableInterval {
  readonly device: string;
  /** Seconds since 1970. */
  readonly startS: number;
  /** Which seconds' blocks it is the sum of, as of ClosedInterval. */
  readonly afterNumber: number;
  readonly number: number;
  readonly tags: readonly string[];
  readonly sums: Uint8Array;
  readonly histograms: Uint8Array;
}

export function packInterval(interval: PortableInterval): Uint8Array {
  const { device, tags, sums } = interval;
  const names = packNames(tags.length, (i) => tags[i]!);
  const writer = new ByteWriter();
  writer.byte(VERSION);
  writer.varint(device.length);
  writer.ascii(device);
  for (const value of [interval.startS, interval.afterNumber, interval.number, tags.length]) writer.varint(value);
  writer.varint(names.length);
  writer.raw(names);
  writer.varint(sums.length);
  writer.raw(sums);
  writer.raw(interval.histograms);
  return writer.take();
}

/** Copies what it reads. @throws SluiceError INTERNAL as unpackPart */
export function unpackInterval(bytes: Uint8Array): PortableInterval {
  const reader = new ByteReader(bytes);
  checkVersion(reader.byte());
  const device = reader.ascii(reader.varint());
  const [startS, afterNumber, number, count] = [reader.varint(), reader.varint(), reader.varint(), reader.varint()];
  const tags = unpackNames(reader.raw(reader.varint()), count);
  const sums = reader.raw(reader.varint()).slice();
  return { device, startS, afterNumber, number, tags, sums, histograms: reader.raw(reader.left).slice() };
}

function checkVersion(version: number): void {
  if (version === VERSION) return;
  throw new SluiceError('INTERNAL', `usage record: version must be ${String(VERSION)}, got ${String(version)}`);
}
