/** What this host has served, over the ledgers of its devices. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { NS_PER_MS } from '../../core/model/units.js';
import type { TagSummary, UsageQuery, UsageRow } from '../../core/model/usage.js';
import type { Clock, UsageStore } from '../../core/ports.js';
import type { Ledger } from '../../core/usage.js';
import { mergeUsage } from '../../core/usage/order.js';

/** How long a query may keep others waiting. */
const SLICE_NS = 4 * NS_PER_MS;
/** Most rows in one part of an answer. */
const PART_ROWS = 1_000;

export class LocalUsageStore implements UsageStore {
  private readonly ledgers: () => ReadonlyMap<string, Ledger>;
  private readonly clock: Clock;

  /** @param ledgers by device name; asked at each call */
  constructor(ledgers: () => ReadonlyMap<string, Ledger>, clock: Clock) {
    this.ledgers = ledgers;
    this.clock = clock;
  }

  async *query(query: UsageQuery): AsyncGenerator<readonly UsageRow[], void> {
    const { clock } = this;
    const parts = this.named(query.device).map(([device, ledger]) => ledger.steps(query, device));
    let sinceNs = clock.nowNs();
    let part: UsageRow[] = [];
    for (const step of mergeUsage(parts, query)) {
      for (const row of step?.rows ?? []) {
        part.push(row);
        if (part.length < PART_ROWS) continue;
        yield part;
        part = [];
        // What the reader makes of a part takes its time as well.
        if (clock.nowNs() - sinceNs < SLICE_NS) continue;
        await nextTurn();
        sinceNs = clock.nowNs();
      }
      if (clock.nowNs() - sinceNs < SLICE_NS) continue;
      await nextTurn();
      sinceNs = clock.nowNs();
    }
    if (part.length > 0) yield part;
  }

  listTags(query: {
    device: string;
    prefix: string;
    after: { device: string; tag: string } | null;
    limit: number;
  }): Promise<TagSummary[]> {
    const { after, limit, prefix } = query;
    const found: TagSummary[] = [];
    for (const [device, ledger] of this.named(query.device)) {
      if (after !== null && device < after.device) continue;
      const from = after?.device === device ? after.tag : '';
      const tags = ledger.listTags(prefix, from, limit - found.length);
      for (const { tag, lastSeenMs } of tags) found.push({ device, tag, lastSeenMs });
      if (found.length >= limit) break;
    }
    return Promise.resolve(found);
  }

  private named(device: string): [string, Ledger][] {
    const all = [...this.ledgers()].filter(([name]) => device === '' || name === device);
    return all.sort(([a], [b]) => (a < b ? -1 : 1));
  }
}
