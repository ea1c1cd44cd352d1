/** What a client asks for before transmission. */
import { NbdProtocolError, OPTIONS, OPTION_MAGIC, STRING_BYTES_MAX } from './protocol.js';

export type NbdOption =
  | { readonly kind: 'export-name'; readonly name: string }
  | { readonly kind: 'abort' | 'list' | 'starttls' | 'structured-reply' }
  | { readonly kind: 'info' | 'go'; readonly name: string; readonly infos: readonly number[] }
  | {
      readonly kind: 'list-meta-context' | 'set-meta-context';
      readonly name: string;
      readonly queries: readonly string[];
    }
  /** Known, but its data is not what it should be. */
  | { readonly kind: 'malformed'; readonly reason: string }
  | { readonly kind: 'unknown' };

/** What is wrong with the data of an option. */
class Malformed extends Error {}

/** The data of an option as what it means; never throws. */
export function decodeOption(option: number, data: Buffer): NbdOption {
  try {
    return decode(option, data);
  } catch (error) {
    if (error instanceof Malformed) return { kind: 'malformed', reason: error.message };
    throw error;
  }
}

function decode(option: number, data: Buffer): NbdOption {
  switch (option) {
    case OPTIONS.EXPORT_NAME:
      return { kind: 'export-name', name: text(data) };
    case OPTIONS.ABORT:
      return { kind: 'abort' };
    case OPTIONS.LIST:
      return empty(data, 'list');
    case OPTIONS.STARTTLS:
      return empty(data, 'starttls');
    case OPTIONS.STRUCTURED_REPLY:
      return empty(data, 'structured-reply');
    case OPTIONS.INFO:
      return decodeInfo(data, 'info');
    case OPTIONS.GO:
      return decodeInfo(data, 'go');
    case OPTIONS.LIST_META_CONTEXT:
      return decodeMetaContext(data, 'list-meta-context');
    case OPTIONS.SET_META_CONTEXT:
      return decodeMetaContext(data, 'set-meta-context');
    default:
      return { kind: 'unknown' };
  }
}

function empty<K extends 'list' | 'starttls' | 'structured-reply'>(data: Buffer, kind: K): { kind: K } {
  if (data.length > 0) throw new Malformed(`the option has no data, got ${String(data.length)} bytes`);
  return { kind };
}

function decodeInfo(data: Buffer, kind: 'info' | 'go'): NbdOption {
  const [name, at] = sized(data, 0);
  if (data.length < at + 2) throw new Malformed('the number of information requests is missing');
  const count = data.readUInt16BE(at);
  if (data.length !== at + 2 + 2 * count) {
    throw new Malformed(`${String(count)} information requests do not fill the option`);
  }
  const infos = Array.from({ length: count }, (_, i) => data.readUInt16BE(at + 2 + 2 * i));
  return { kind, name, infos };
}

function decodeMetaContext(data: Buffer, kind: 'list-meta-context' | 'set-meta-context'): NbdOption {
  const [name, after] = sized(data, 0);
  if (data.length < after + 4) throw new Malformed('the number of queries is missing');
  const count = data.readUInt32BE(after);
  // Each takes 4 bytes at least: a count that cannot be is found without counting to it.
  if (count > (data.length - after - 4) / 4) throw new Malformed(`${String(count)} queries do not fit the option`);
  const queries: string[] = [];
  let at = after + 4;
  for (let i = 0; i < count; i++) {
    const [query, next] = sized(data, at);
    queries.push(query);
    at = next;
  }
  if (at !== data.length) throw new Malformed(`${String(data.length - at)} bytes after the last query`);
  return { kind, name, queries };
}

/** A string with its length ahead. @returns it, and where it ends */
function sized(data: Buffer, at: number): [string, number] {
  if (data.length < at + 4) throw new Malformed('a length is missing');
  const end = at + 4 + data.readUInt32BE(at);
  if (end > data.length) throw new Malformed('a string is longer than the option');
  return [text(data.subarray(at + 4, end)), end];
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function text(data: Buffer): string {
  if (data.length > STRING_BYTES_MAX) {
    throw new Malformed(`a string must be at most ${String(STRING_BYTES_MAX)} bytes, got ${String(data.length)}`);
  }
  try {
    return UTF8.decode(data);
  } catch {
    throw new Malformed('a string is not UTF-8');
  }
}

const NUMBERS = {
  'export-name': OPTIONS.EXPORT_NAME,
  abort: OPTIONS.ABORT,
  list: OPTIONS.LIST,
  starttls: OPTIONS.STARTTLS,
  'structured-reply': OPTIONS.STRUCTURED_REPLY,
  info: OPTIONS.INFO,
  go: OPTIONS.GO,
  'list-meta-context': OPTIONS.LIST_META_CONTEXT,
  'set-meta-context': OPTIONS.SET_META_CONTEXT,
} as const;

/** An option that has a meaning, as bytes. */
export function encodeOption(option: Exclude<NbdOption, { kind: 'malformed' | 'unknown' }>): Buffer {
  return encodeRawOption(NUMBERS[option.kind], optionData(option));
}

function optionData(option: Exclude<NbdOption, { kind: 'malformed' | 'unknown' }>): Buffer {
  switch (option.kind) {
    case 'export-name':
      return Buffer.from(option.name);
    case 'abort':
    case 'list':
    case 'starttls':
    case 'structured-reply':
      return Buffer.alloc(0);
    case 'info':
    case 'go':
      return Buffer.concat([withLength(option.name), uint16s([option.infos.length, ...option.infos])]);
    case 'list-meta-context':
    case 'set-meta-context': {
      const count = Buffer.alloc(4);
      count.writeUInt32BE(option.queries.length);
      return Buffer.concat([withLength(option.name), count, ...option.queries.map(withLength)]);
    }
  }
}

/** Any option, whatever its number and data. */
export function encodeRawOption(option: number, data: Buffer): Buffer {
  const bytes = Buffer.alloc(16 + data.length);
  bytes.writeUInt32BE(OPTION_MAGIC.high, 0);
  bytes.writeUInt32BE(OPTION_MAGIC.low, 4);
  bytes.writeUInt32BE(option, 8);
  bytes.writeUInt32BE(data.length, 12);
  data.copy(bytes, 16);
  return bytes;
}

/** @throws NbdProtocolError where the string is too long for the protocol */
function withLength(value: string): Buffer {
  const body = Buffer.from(value);
  if (body.length > STRING_BYTES_MAX) {
    throw new NbdProtocolError(
      `a string must be at most ${String(STRING_BYTES_MAX)} bytes, got ${String(body.length)}`,
    );
  }
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  return Buffer.concat([length, body]);
}

function uint16s(values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(2 * values.length);
  values.forEach((value, i) => bytes.writeUInt16BE(value, 2 * i));
  return bytes;
}
