/** The tags of one device as this host knows them from the store: their numbers here, and when each was last served. */
import { TagTable } from '../../core/usage/tag-table.js';
import { unpackNames, type PortablePart } from '../../core/usage/portable.js';
import type { RedisConnection } from './connection.js';
import { tagsKey } from './usage-keys.js';

/** Lists of names kept to be known again: those of the last intervals of each host. */
const NAMES_KEPT = 256;

export class UsageTags {
  private readonly device: string;
  private readonly connection: RedisConnection;
  private readonly table = new TagTable(0);
  /** By field: the names of its last part, and their numbers. */
  private readonly lastNames = new Map<string, { names: Uint8Array; ids: Uint32Array }>();

  constructor(device: string, connection: RedisConnection) {
    this.device = device;
    this.connection = connection;
  }

  /** Takes in what is new: a tag is inner where another lies below it, whoever served that. */
  async refresh(): Promise<void> {
    const key = tagsKey(this.device);
    const [count] = await this.connection.batch([['ZCARD', key]]);
    if (Number(count) === this.table.size) return;
    const [tags] = await this.connection.batch([['ZRANGE', key, 0, -1]]);
    for (const tag of tags as string[]) this.idOf(tag);
  }

  /** Tags shown after `after`, at or below prefix, at most limit. */
  async list(prefix: string, after: string, limit: number): Promise<{ tag: string; lastSeenS: number }[]> {
    await this.refresh();
    const ids = this.table.list(prefix, after, limit, () => true);
    if (ids.length === 0) return [];
    const key = tagsKey(this.device);
    const scores = await this.connection.batch(ids.map((id) => ['ZSCORE', key, this.table.name(id)] as const));
    return ids.flatMap((id, i) => {
      const score = scores[i];
      // Known here from a life of the store that has ended.
      if (score === null) return [];
      return [{ tag: this.table.shown(id), lastSeenS: Number(score) }];
    });
  }

  shown(id: number): string {
    return this.table.shown(id);
  }

  /** The numbers of a part's tags. Busy tags are the same from one interval to the next: then nothing is decoded. */
  idsOf(host: string, part: PortablePart): Uint32Array {
    const last = this.lastNames.get(host);
    if (last !== undefined && Buffer.compare(last.names, part.names) === 0) return last.ids;
    const ids = Uint32Array.from(unpackNames(part.names, part.count), (tag) => this.idOf(tag));
    if (this.lastNames.size >= NAMES_KEPT) this.lastNames.clear();
    this.lastNames.set(host, { names: part.names, ids });
    return ids;
  }

  private idOf(tag: string): number {
    const known = this.table.find(tag);
    return known >= 0 ? known : this.table.add(tag);
  }
}
