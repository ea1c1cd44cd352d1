/**
 * A block on its way out of the process, to a journal or a store: with the names of its tags instead
 * of numbers, which are this process's own. Sums and histograms are two records, each with its names,
 * because they are kept and read apart.
 *
 *   version (1), number of tags, bytes of names, names, content
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
  const version = reader.byte();
  if (version !== VERSION) {
    throw new SluiceError('INTERNAL', `usage record: version must be ${String(VERSION)}, got ${String(version)}`);
  }
  const count = reader.varint();
  const names = reader.raw(reader.varint());
  return { names, count, content: reader.raw(reader.left) };
}
