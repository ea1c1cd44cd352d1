/** Reads trace files whole and deals their records out to tags. */
import { SluiceError, show } from '../../core/model/errors.js';
import { TAG_SEGMENTS_MAX, checkTag } from '../../core/model/tag.js';
import type { Op } from '../../core/model/request.js';
import { NS_PER_S } from '../../core/model/units.js';
import { TraceColumns } from './columns.js';
import { TraceReader } from './reader.js';
import type { ReaderOptions } from './reader.js';
import type { RecordBatch } from './record.js';

export const TAG_BY = ['file', 'device', 'volume'] as const;
/** `file`: one tag a file. `device`: `<file>/<device>`. `volume`: the device's name alone, the same over all files. */
export type TagBy = (typeof TAG_BY)[number];

export interface LoadOptions extends ReaderOptions {
  readonly tagBy: TagBy;
  /** Most records kept of each tag; 0: all. */
  readonly limit: number;
}

/** A tag's part of what was read. */
export interface TagTrace {
  readonly tag: string;
  readonly columns: TraceColumns;
}

export interface LoadedTraces {
  /** In order of first appearance. */
  readonly tags: readonly TagTrace[];
  readonly readers: readonly TraceReader[];
}

/** One file to read: its name as given, and its bytes. */
export interface TraceFile {
  readonly name: string;
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** A canonical tag segment made of any text: `Web Server (2).csv` is `web-server-2-.csv`, then without extensions. */
function tagSegment(text: string): string {
  const plain = text
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, 63);
  return plain === '' ? 'trace' : plain;
}

const PACKED = /\.(?:gz|zst|bz2|xz)$/i;

/** The tag of a file: its name without folders and extensions, canonical. */
export function fileTag(path: string): string {
  const base = path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);
  return tagSegment(base.replace(PACKED, '').replace(/(?<=.)\.[A-Za-z][A-Za-z0-9]*$/, ''));
}

/** A device's name as one or more segments: fio's are paths. */
function deviceSegments(name: string, room: number): string {
  const parts = name.split('/').filter((part) => part !== '');
  return (parts.length === 0 ? ['0'] : parts).slice(-room).map(tagSegment).join('/');
}

/**
 * @throws SluiceError NOT_FOUND and others of the files; INVALID_ARGUMENT (a broken line under
 * `strict`, no known format, no record at all); TOO_LARGE (more records than fit)
 */
export async function loadTraces(
  files: readonly TraceFile[],
  options: LoadOptions,
  progress: (records: number) => void = () => undefined,
): Promise<LoadedTraces> {
  const tags = new Map<string, TraceColumns>();
  const readers: TraceReader[] = [];
  const names = new Set<string>();
  let origin: TraceReader | null = null;
  let records = 0;
  for (const file of files) {
    const reader = new TraceReader(file.name, options);
    readers.push(reader);
    const own = distinct(fileTag(file.name), names);
    const byDevice: (TraceColumns | undefined)[] = [];
    for await (const batch of reader.batches(file.bytes)) {
      // One volume over several files keeps the time between them; a file of its own starts at 0.
      origin ??= reader;
      const shiftNs = options.tagBy === 'volume' ? sinceNs(origin, reader) : 0;
      deal(batch, shiftNs, options.limit, byDevice, (device) => {
        const tag = tagOf(options.tagBy, own, reader.devices.names[device]!);
        let columns = tags.get(tag);
        if (columns === undefined) tags.set(tag, (columns = new TraceColumns()));
        return columns;
      });
      records += batch.count;
      progress(records);
      // One tag and it has enough: the rest of the file is nothing to anybody.
      if (options.tagBy === 'file' && options.limit > 0 && tags.get(own)!.count >= options.limit) break;
    }
    if (reader.records === 0) throw nothingIn(reader);
  }
  for (const columns of tags.values()) columns.sort();
  return { tags: [...tags].map(([tag, columns]) => ({ tag, columns })), readers };
}

function deal(
  batch: RecordBatch,
  shiftNs: number,
  limit: number,
  byDevice: (TraceColumns | undefined)[],
  columnsOf: (device: number) => TraceColumns,
): void {
  for (let i = 0; i < batch.count; i++) {
    const device = batch.device[i]!;
    const columns = (byDevice[device] ??= columnsOf(device));
    if (limit > 0 && columns.count >= limit) continue;
    columns.add(batch.timeNs[i]! + shiftNs, batch.op[i]! as Op, batch.offset[i]!, batch.lengthBytes[i]!);
  }
}

function tagOf(tagBy: TagBy, file: string, device: string): string {
  switch (tagBy) {
    case 'file':
      return file;
    case 'device':
      return checkTag(`${file}/${deviceSegments(device, TAG_SEGMENTS_MAX - 1)}`);
    case 'volume':
      return checkTag(deviceSegments(device, TAG_SEGMENTS_MAX));
  }
}

/** Two files of one name are two applications. */
function distinct(name: string, taken: Set<string>): string {
  let tag = name;
  for (let i = 2; taken.has(tag); i++) tag = `${name.slice(0, 59)}-${String(i)}`;
  taken.add(tag);
  return tag;
}

function sinceNs(origin: TraceReader, reader: TraceReader): number {
  return (reader.originS - origin.originS) * NS_PER_S + (reader.originNs - origin.originNs);
}

function nothingIn(reader: TraceReader): SluiceError {
  const broken = reader.firstBroken;
  const why = broken === null ? '' : `; line ${String(broken.line)}: ${broken.reason}`;
  return new SluiceError(
    'INVALID_ARGUMENT',
    `trace ${show(reader.name)} must have at least one record, got ${String(reader.broken)} broken lines and none${why}`,
    { field: 'trace' },
  );
}
