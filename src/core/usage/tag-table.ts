/** The tags of a ledger as numbers from 0 on, and where each is counted now: 28 bytes and its name. */
import { SELF_SEGMENT, isWithin, parentTag } from '../model/tag.js';

const FIRST_CAPACITY = 256;

export class TagTable {
  private readonly ids = new Map<string, number>();
  private readonly names: string[] = [];
  /** By level, the total last: each tag's open row, 0 = none. */
  private readonly openRows: Int32Array[];
  private lastSeen = new Float64Array(FIRST_CAPACITY);
  /** Tags that others lie below. */
  private readonly inner = new Set<string>();
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
    for (let above = parentTag(tag); above !== null && !this.inner.has(above); above = parentTag(above)) {
      this.inner.add(above);
    }
    return id;
  }

  name(id: number): string {
    return this.names[id]!;
  }

  /** As people are shown it: requests tagged `acme` while `acme/db` exists are `acme/.`, not all of `acme`. */
  shown(id: number): string {
    const name = this.names[id]!;
    return this.inner.has(name) ? `${name}/${SELF_SEGMENT}` : name;
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

  /** Numbers of served tags at or below prefix that are shown after `after`, in the order they are shown in, at most limit. */
  list(
    prefix: string,
    after: string,
    limit: number,
    wanted: (id: number) => boolean = (id) => this.served(id),
  ): number[] {
    this.ordered ??= Uint32Array.from(this.names.keys()).sort((a, b) => (this.shown(a) < this.shown(b) ? -1 : 1));
    let low = 0;
    let high = this.ordered.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.shown(this.ordered[middle]!) <= after) low = middle + 1;
      else high = middle;
    }
    const found: number[] = [];
    for (let i = low; i < this.ordered.length && found.length < limit; i++) {
      const id = this.ordered[i]!;
      if (isWithin(this.shown(id), prefix) && wanted(id)) found.push(id);
    }
    return found;
  }

  /** An account may have been opened and nothing served yet. */
  private served(id: number): boolean {
    return this.openRows.some((rows) => rows[id] !== 0);
  }

  private grow(): void {
    for (let level = 0; level < this.openRows.length; level++) {
      const grown = new Int32Array(this.openRows[level]!.length * 2);
      grown.set(this.openRows[level]!);
      this.openRows[level] = grown;
    }
    const lastSeen = new Float64Array(this.lastSeen.length * 2);
    lastSeen.set(this.lastSeen);
    this.lastSeen = lastSeen;
  }
}
