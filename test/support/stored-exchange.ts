/**
 * The state of an exchange read back out of Redis, in the twin's form: records, then what the journal has that is
 * newer, then what idle nodes would take in when they are next read. What is noted beside has to be so.
 */
import type { Redis } from 'ioredis';
import { unpack, type Packed } from '../../src/coordination/redis/message-pack.js';
import { sorted } from './twin-dump.js';

/** The last schema whose orders have the counters themselves, and whose records are written whole. */
export const EXACT_SCHEMA = 2;

/**
 * The state below this key in the form of twinDump; null where there is none.
 * @param withEntriesMax of more nodes than these there may be no entries beside the records
 */
export async function storedDump(redis: Redis, key: string, withEntriesMax: number): Promise<unknown> {
  const blob = await redis.getBuffer(key);
  if (blob === null) return null;
  const meta = unpack(blob) as Packed[];
  const nodes = new Map((await storedNodes(redis, key)).map((node) => [node.fields[0]!, node]));
  const withEntries = [...nodes.values()].filter(({ entries }) => entries.length > 0).length;
  if (withEntries > withEntriesMax) {
    throw new Error(`${withEntries} nodes have entries beside their records, at most ${withEntriesMax} may`);
  }
  for (const node of nodes.values()) for (const entry of node.entries) takeEntry(node, entry);
  for (const node of nodes.values()) catchUp(node, nodes, meta);
  const orders: Record<string, number[]> = {};
  const rows: Record<string, Record<string, number>> = {};
  for (const name of await redis.keys(`${key}:*`)) {
    const kind = name.slice(key.length + 1);
    if (kind.startsWith('o')) {
      const members = await redis.zrangeBuffer(name, '0', '-1', 'WITHSCORES');
      orders[kind.slice(1)] = readOrder(members, nodes, meta[0] === EXACT_SCHEMA);
    } else if (kind.startsWith('r')) {
      const all = await redis.hgetall(name);
      rows[kind.slice(1)] = Object.fromEntries(Object.entries(all).map(([row, leaf]) => [row, Number(leaf)]));
    }
  }
  const tags = await redis.hgetall(`${key}:t`);
  const idle = await redis.zrangeBuffer(`${key}:i`, '0', '-1');
  const dormant = await redis.hgetallBuffer(`${key}:d`);
  return sorted({
    meta: metaDump(meta),
    nodes: Object.fromEntries([...nodes].map(([id, node]) => [id, nodeDump(node)])),
    tags: Object.fromEntries(Object.entries(tags).map(([tag, id]) => [tag, Number(id)])),
    rows,
    orders,
    idle: idle.map((member) => member.readUIntBE(0, 6)),
    dormant: Object.fromEntries(Object.entries(dormant).map(([uid, ids]) => [uid, unpack(ids)])),
  });
}

/** Each node that has a record, with what is newer than that, in its order. */
export async function storedNodes(redis: Redis, key: string): Promise<StoredNode[]> {
  const nodes = new Map<number, StoredNode>();
  for (const packed of Object.values(await redis.hgetallBuffer(`${key}:n`))) {
    const node = readNode(packed);
    nodes.set(node.fields[0]!, node);
  }
  const young = (unpack((await redis.getBuffer(key))!) as Packed[])[21] as number;
  for (const which of [1 - young, young]) {
    const entries = await redis.getBuffer(`${key}:j${which}`);
    if (entries !== null) takeEntries(entries, nodes);
  }
  return [...nodes.values()];
}

/** A node as includes/device-state.lua packs it. */
interface StoredNode {
  readonly inner: boolean;
  readonly tag: string;
  /** ID, HOME, … TURN; then, of an inner node, V … SHIFTED. */
  readonly fields: number[];
  readonly rows: StoredRow[];
  readonly entries: StoredEntry[];
}

/** What is newer than the record, as includes/journal.lua packs it. */
interface StoredEntry {
  /** VIO, then of an inner node V and MAX_VIO, of a leaf a row's place, what it wants and holds, GRANTED … CHARGED. */
  readonly counters: readonly number[];
  readonly said: SaidOfRow | undefined;
}

interface SaidOfRow {
  readonly turn: number;
  readonly counts: readonly number[];
  readonly weight: readonly number[];
  readonly costs: Buffer;
  readonly arrivals: Buffer;
}

class StructReader {
  readonly #bytes: Buffer;
  at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.at === this.#bytes.length;
  }

  doubles(count: number): number[] {
    return Array.from({ length: count }, () => this.#bytes.readDoubleLE((this.at += 8) - 8));
  }

  bytes(): Buffer {
    const from = this.at + 2;
    this.at = from + this.#bytes.readUInt16LE(this.at);
    return this.#bytes.subarray(from, this.at);
  }
}

const LEAF_ENTRY = 1;
const INNER_ENTRY = 2;
const GRANTS_ENTRY = 3;

/** Takes the entries of one string in their order; those of a node whose record counts again are forgotten. */
function takeEntries(bytes: Buffer, nodes: ReadonlyMap<number, StoredNode>): void {
  const reader = new StructReader(bytes);
  while (!reader.atEnd) {
    const [kind, count] = [bytes[reader.at]!, bytes[reader.at + 1]!];
    reader.at += 2;
    for (let left = count; left > 0; left--) {
      const [id] = reader.doubles(1);
      const counters = reader.doubles({ [LEAF_ENTRY]: 7, [INNER_ENTRY]: 3, [GRANTS_ENTRY]: 7 }[kind] ?? 0);
      const said = kind === LEAF_ENTRY ? readSaid(reader) : undefined;
      const node = nodes.get(id!);
      if (node === undefined) continue;
      if (counters.length === 0) node.entries.length = 0;
      else node.entries.push({ counters, said });
    }
  }
}

function readSaid(reader: StructReader): SaidOfRow {
  const [turn] = reader.doubles(1);
  const counts = reader.doubles(7);
  const weight = reader.doubles(2);
  return { turn: turn!, counts, weight, costs: reader.bytes(), arrivals: reader.bytes() };
}

function takeEntry(node: StoredNode, { counters, said }: StoredEntry): void {
  const [vio, ...rest] = counters as [number, number, number, number, number, number, number];
  node.fields[VIO] = vio;
  if (node.inner) {
    [node.fields[NODE_FIELDS], node.fields[NODE_FIELDS + 1]] = rest;
    return;
  }
  const [place, want, held, ...granted] = rest;
  const before = node.rows[place]!;
  node.fields[TURN] = said?.turn ?? place;
  const { counts, weight, costs, arrivals } = said ?? { ...before, weight: before.granted.slice(3) };
  node.rows[place] = { ...before, noted: [want, held], counts, granted: [...granted, ...weight], costs, arrivals };
}

/** What is stored is a bound of each counter, or the counter itself; the order is that of the counters. */
function readOrder(members: readonly Buffer[], nodes: ReadonlyMap<number, StoredNode>, exact: boolean): number[] {
  const found: { id: number; seq: number; vio: number }[] = [];
  for (let i = 0; i < members.length; i += 2) {
    const [seq, id] = [members[i]!.readUIntBE(0, 6), members[i]!.readUIntBE(6, 6)];
    const vio = nodes.get(id)!.fields[VIO]!;
    const bound = Number(members[i + 1]!.toString());
    if (exact ? bound !== vio : bound > vio) throw new Error(`node ${id}: ${String(bound)} is stored, it is ${vio}`);
    found.push({ id, seq, vio });
  }
  return found.sort((a, b) => a.vio - b.vio || a.seq - b.seq).map(({ id }) => id);
}

const NODE_FIELDS = 16;
const INNER_KIND = 255;

function readNode(bytes: Buffer): StoredNode {
  const reader = new StructReader(bytes);
  reader.at = 1;
  const fields = reader.doubles(NODE_FIELDS);
  const tag = reader.bytes().toString();
  const inner = bytes[0] === INNER_KIND;
  if (inner) fields.push(...reader.doubles(9));
  const rows: StoredRow[] = [];
  while (!reader.atEnd) rows.push(readRow(reader));
  return { inner, tag, fields, rows, entries: [] };
}

interface StoredRow {
  readonly uid: number;
  readonly row: number;
  /** What it wants and holds. */
  readonly noted: readonly [number, number];
  /** Backlog … finished. */
  readonly counts: readonly number[];
  /** Granted, pending, charged, weight, weighed. */
  readonly granted: readonly number[];
  readonly costs: Buffer;
  readonly arrivals: Buffer;
}

function readRow(reader: StructReader): StoredRow {
  const [uid, ...noted] = reader.doubles(3) as [number, number, number];
  const rest = new StructReader(reader.bytes());
  const [row, ...counts] = rest.doubles(8) as [number, ...number[]];
  return { uid, row, noted, counts, granted: rest.doubles(5), costs: rest.bytes(), arrivals: rest.bytes() };
}

function rowDump({ uid, row, noted, counts, granted: granting, costs: words, arrivals: times }: StoredRow): unknown {
  const [backlog, seen, used, handedBack, advanced, dispatchedCost, finished] = counts as [
    ...[number, number, number, number, number, number, number],
  ];
  const [granted, pending, charged, weight, weighed] = granting as [number, number, number, number, number];
  const want = Math.max(0, backlog - (granted - seen));
  const held = granted - handedBack + advanced - finished;
  if (noted[0] !== want || noted[1] !== held) {
    throw new Error(`row ${row}: noted are ${noted.join(' and ')}, it is ${want} and ${held}`);
  }
  const costs = Array.from({ length: words.length / 4 }, (_, i) => words.readUInt32BE(i * 4));
  const arrivals = Array.from({ length: times.length / 8 }, (_, i) => times.readDoubleLE(i * 8));
  const said = { backlog, costs, arrivals, seen, used, handedBack, advanced, dispatchedCost };
  return { uid, row, ...said, finished, granted, pending, charged, weight, weighed };
}

const HOME = 1;
const SHARES = 3;
const VIO = 6;
const FLOOR = 7;
const ACTIVE = 9;
const SHIFT = 14;
const TURN = 15;
const SHIFTED = 24;

/** What was taken back from a domain's time reaches its idle nodes when they are next read: read them. */
function catchUp({ fields }: StoredNode, nodes: ReadonlyMap<number, StoredNode>, meta: Packed[]): void {
  const home = nodes.get(fields[HOME]!);
  if (home === undefined) return;
  const behind = home.fields[SHIFTED]! - fields[SHIFT]!;
  if (behind === 0) return;
  const settings = meta[6] as Packed[];
  if (settings[0] === 'stride') {
    fields[VIO] = 0;
    fields[FLOOR] = 0;
    return;
  }
  const least = -((settings[2] as number) * 10_000) / fields[SHARES]!;
  fields[VIO] = Math.max(fields[VIO]! - behind, fields[ACTIVE] === 1 ? -Infinity : least);
  fields[FLOOR] = Math.max(fields[FLOOR]! - behind, least);
}

function nodeDump({ inner, tag, fields: f, rows }: StoredNode): unknown {
  const [id, home, , shares, selfShares, revision, vio, floor, deposit, , seq] = f;
  const [active, busy] = [f[ACTIVE] === 1, f[11] === 1];
  const [idleSince, listedSince, , turn] = f.slice(12);
  const common = { id, tag, home, inner, shares, selfShares, revision, vio, floor, deposit, active, seq, busy };
  if (!inner) return { ...common, idleSince, listedSince, turn, rows: rows.map(rowDump) };
  const [v, maxVio, quietSince, busyChildren, activeChildren, activeShares, children, self] = f.slice(NODE_FIELDS);
  const below = { v, maxVio, quietSince, busyChildren, activeChildren, activeShares, children, self };
  return { ...common, listedSince, ...below };
}

function metaDump(f: Packed[]): unknown {
  const [schema, incarnation, server, storeUs, clockUs, bornUs, settings, settingsRevision, nodeIds, uids] = f;
  const [
    activations,
    grantsMade,
    nodes,
    contended,
    calmSince,
    settlingUntil,
    expected,
    returned,
    hosts,
    remains,
    unsureUntil,
  ] = f.slice(10);
  return {
    ...{ schema, incarnation, server, storeUs, clockUs, bornUs, settings, settingsRevision, nodeIds, uids },
    ...{ activations, grantsMade, nodes, contended, calmSince, settlingUntil, expected, returned, unsureUntil },
    hosts,
    remains,
  };
}
