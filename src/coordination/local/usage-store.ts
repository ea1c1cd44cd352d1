/** What this host has served, over the ledgers of its devices. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { TagSummary, UsageQuery, UsageRow } from '../../core/model/usage.js';
import type { Clock, UsageStore } from '../../core/ports.js';
import type { Ledger } from '../../core/usage.js';
import { mergeUsage } from '../../core/usage/order.js';
import { inParts } from '../../core/usage/parts.js';

export class LocalUsageStore implements UsageStore {
  private readonly ledgers: () => ReadonlyMap<string, Ledger>;
  private readonly clock: Clock;

  /** @param ledgers by device name; asked at each call */
  constructor(ledgers: () => ReadonlyMap<string, Ledger>, clock: Clock) {
    this.ledgers = ledgers;
    this.clock = clock;
  }

  query(query: UsageQuery): AsyncGenerator<readonly UsageRow[], void> {
    const parts = this.named(query.device).map(([device, ledger]) => ledger.steps(query, device));
    return inParts(mergeUsage(parts, query), this.clock, nextTurn);
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
