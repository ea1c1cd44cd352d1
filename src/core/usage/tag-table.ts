/** The tags of a ledger as numbers from 0 on, and where each is counted now: 24 bytes and its name. */
import { isWithin } from '../model/tag.js';

const FIRST_CAPACITY = 256;

export class TagTable {
  private readonly ids = new Map<string, number>();
  private readonly names: string[] = [];
  /** By level, the total last: each tag's open row, 0 = none. */
  private readonly openRows: Int32Array[];
  private lastSeen = new Int32Array(FIRST_CAPACITY);
  /** Numbers in the order of their names; made when asked for, until a tag is added. */
  private ordered: Uint32Array | null = null;

  constructor(levels: number) {
    this.openRows = Array.from({ length: levels + 1 }, () => new Int32Array(FIRST_CAPACITY));
  }

  get size(): number {
    return this.names.length;
  }

  /** The tag's number; -1 where it has none. */
  find(tag: string): number {
    return this.ids.get(tag) ?? -1;
  }

  add(tag: string): number {
    const id = this.names.length;
    if (id >= this.lastSeen.length) this.grow();
    this.ids.set(tag, id);
    this.names.push(tag);
    this.ordered = null;
    return id;
  }

  name(id: number): string {
    return this.names[id]!;
  }

  open(level: number, id: number): number {
    return this.openRows[level]![id]!;
  }

  setOpen(level: number, id: number, row: number): void {
    this.openRows[level]![id] = row;
  }

  lastSeenS(id: number): number {
    return this.lastSeen[id]!;
  }

  setLastSeenS(id: number, second: number): void {
    this.lastSeen[id] = second;
  }

  /** Numbers of served tags at or below prefix whose name comes after `after`, by name, at most limit. */
  list(prefix: string, after: string, limit: number): number[] {
    this.ordered ??= Uint32Array.from(this.names.keys()).sort((a, b) => (this.names[a]! < this.names[b]! ? -1 : 1));
    let low = 0;
    let high = this.ordered.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.names[this.ordered[middle]!]! <= after) low = middle + 1;
      else high = middle;
    }
    const found: number[] = [];
    for (let i = low; i < this.ordered.length && found.length < limit; i++) {
      const id = this.ordered[i]!;
      if (isWithin(this.names[id]!, prefix) && this.served(id)) found.push(id);
    }
    return found;
  }

  /** An account may have been opened and nothing served yet. */
  private served(id: number): boolean {
    return this.openRows.some((rows) => rows[id] !== 0);
  }

  private grow(): void {
    const larger = (rows: Int32Array): Int32Array<ArrayBuffer> => {
      const grown = new Int32Array(rows.length * 2);
      grown.set(rows);
      return grown;
    };
    for (let level = 0; level < this.openRows.length; level++) this.openRows[level] = larger(this.openRows[level]!);
    this.lastSeen = larger(this.lastSeen);
  }
}
