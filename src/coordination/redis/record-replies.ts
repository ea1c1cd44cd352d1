/** What the records-*.lua scripts answer, as typed values. */
import { SluiceError } from '../../core/model/errors.js';

/** A record as stored: JSON text, and the revision of its last change. */
export interface StoredRecord {
  readonly revision: number;
  readonly value: string;
}

export interface RecordChange {
  readonly revision: number;
  readonly key: string;
  readonly before: StoredRecord | null;
  readonly after: StoredRecord | null;
}

export type SyncReply =
  | ({ readonly kind: 'events' } & Position & { readonly events: readonly RecordChange[] })
  | ({
      readonly kind: 'snapshot';
      readonly log: readonly RecordChange[];
      readonly records: ReadonlyMap<string, StoredRecord>;
      readonly tombstones: ReadonlyMap<string, number>;
    } & Position)
  | { readonly kind: 'rejoin'; readonly incarnation: string }
  | { readonly kind: 'schema'; readonly found: number };

/** Where a state stands. */
export interface Position {
  readonly incarnation: string;
  readonly revision: number;
  readonly head: string;
  /** How long no write is taken yet. */
  readonly waitMs: number;
}

export type WriteReply =
  | { readonly kind: 'ok'; readonly revision: number; readonly changes: readonly RecordChange[] }
  | { readonly kind: 'absent' }
  | { readonly kind: 'schema'; readonly found: number }
  | { readonly kind: 'restoring'; readonly waitMs: number }
  | { readonly kind: 'missing'; readonly index: number }
  | { readonly kind: 'mismatch'; readonly index: number; readonly revision: number | null };

export type RestoreReply =
  | { readonly kind: 'ok'; readonly taken: number }
  | { readonly kind: 'rejoin' }
  | { readonly kind: 'schema'; readonly found: number };

function unexpected(script: string, kind: unknown): SluiceError {
  return new SluiceError('INTERNAL', `the script ${script} answered ${String(kind)}`);
}

function readRecord(text: string): StoredRecord {
  const comma = text.indexOf(',');
  // The value stays text: what it means is for the store that it is of.
  return {
    revision: Number(text.slice('{"revision":'.length, comma)),
    value: text.slice(comma + ',"value":'.length, -1),
  };
}

interface ParsedRecord {
  readonly revision: number;
  readonly value: unknown;
}

function readChange(text: string): RecordChange {
  const { revision, key, before, after } = JSON.parse(text) as {
    revision: number;
    key: string;
    before: ParsedRecord | null;
    after: ParsedRecord | null;
  };
  const stored = (record: ParsedRecord | null): StoredRecord | null =>
    record === null ? null : { revision: record.revision, value: JSON.stringify(record.value) };
  return { revision, key, before: stored(before), after: stored(after) };
}

function* pairs(flat: readonly string[]): Iterable<[string, string]> {
  for (let i = 0; i + 1 < flat.length; i += 2) yield [flat[i]!, flat[i + 1]!];
}

export function readSync(reply: unknown): SyncReply {
  const [kind, first, revision, head, wait, events, records, tombstones] = reply as [
    string,
    string,
    string,
    string,
    string,
    string[],
    string[],
    string[],
  ];
  switch (kind) {
    case 'rejoin':
      return { kind, incarnation: first };
    case 'schema':
      return { kind, found: Number(first) };
    case 'events':
    case 'snapshot': {
      const at = { incarnation: first, revision: Number(revision), head, waitMs: Number(wait) };
      if (kind === 'events') return { kind, ...at, events: events.map(readChange) };
      return {
        kind,
        ...at,
        log: events.map(readChange),
        records: new Map([...pairs(records)].map(([key, text]) => [key, readRecord(text)])),
        tombstones: new Map([...pairs(tombstones)].map(([key, text]) => [key, Number(text)])),
      };
    }
    default:
      throw unexpected('records-sync', kind);
  }
}

export function readWrite(reply: unknown): WriteReply {
  const [kind, first, ...rest] = reply as [string, string, ...string[]];
  switch (kind) {
    case 'ok':
      return { kind, revision: Number(first), changes: rest.map(readChange) };
    case 'absent':
      return { kind };
    case 'schema':
      return { kind, found: Number(first) };
    case 'restoring':
      return { kind, waitMs: Number(first) };
    case 'missing':
      return { kind, index: Number(first) - 1 };
    case 'mismatch':
      return { kind, index: Number(first) - 1, revision: rest[0] === '' ? null : Number(rest[0]) };
    default:
      throw unexpected('records-write', kind);
  }
}

export function readRestore(reply: unknown): RestoreReply {
  const [kind, first] = reply as [string, string];
  switch (kind) {
    case 'ok':
      return { kind, taken: Number(first) };
    case 'rejoin':
      return { kind };
    case 'schema':
      return { kind, found: Number(first) };
    default:
      throw unexpected('records-restore', kind);
  }
}
