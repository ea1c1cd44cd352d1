/** What all hosts of a store have served, in Redis: this host's part sent there, everyone's read from there. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { MS_PER_S, NS_PER_MS, NS_PER_S } from '../../core/model/units.js';
import { USAGE_STEPS, type TagSummary, type UsageQuery, type UsageRow } from '../../core/model/usage.js';
import type { Clock, Logger, Timer, UsageStore } from '../../core/ports.js';
import type { Ledger } from '../../core/usage.js';
import { LEVELS, STEPS_S, levelFor, tooOld } from '../../core/usage/levels.js';
import { mergeUsage } from '../../core/usage/order.js';
import { inParts } from '../../core/usage/parts.js';
import { unpackPart } from '../../core/usage/portable.js';
import { UsageSum, type UsageInterval, type UsageSteps } from '../../core/usage/sum.js';
import type { RedisConnection } from './connection.js';
import { DEVICES_KEY, intervalKey } from './usage-keys.js';
import { UsageSender, type SendOpen } from './usage-sender.js';
import { UsageTags } from './usage-tags.js';

/** Intervals fetched at once: the next are on their way while these are summed. */
const FETCHED_AT_ONCE = 64;
/** A little after the second, so that all of it has been recorded. */
const AFTER_SECOND_MS = 5;

export interface RedisUsageOptions {
  readonly connection: RedisConnection;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Unique to the life of this process. */
  readonly hostId: string;
}

/** The parts of one interval: a block a host. */
type Fetched = readonly { readonly startS: number; readonly sums: Hash; readonly histograms: Hash | null }[];
type Hash = ReadonlyMap<string, Buffer>;

export class RedisUsageStore implements UsageStore {
  private readonly options: RedisUsageOptions;
  private readonly ledgers = new Map<string, Ledger>();
  private readonly senders = new Map<string, UsageSender>();
  private readonly tags = new Map<string, UsageTags>();
  private sending: Promise<void> | null = null;
  private next: Promise<void> | null = null;
  private wanted: SendOpen = 'due';
  private away = false;
  private timer: Timer;

  constructor(options: RedisUsageOptions) {
    this.options = options;
    this.timer = this.wait();
  }

  /** Sends what the ledger counts from now on. */
  follow(device: string, ledger: Ledger): void {
    const { connection, clock, hostId } = this.options;
    this.ledgers.set(device, ledger);
    this.senders.set(device, new UsageSender(device, hostId, ledger, connection, clock));
  }

  async *query(query: UsageQuery): AsyncGenerator<readonly UsageRow[], void> {
    const { clock } = this.options;
    const everything = query.fromMs === 0 && query.toMs === 0;
    const level = everything ? LEVELS : levelFor(query);
    if (!everything) this.checkKept(query, level);
    const coversNow = everything || query.toMs > Math.floor(clock.wallMs() / MS_PER_S) * MS_PER_S;
    // This host's own part is complete; others are a second behind.
    if (coversNow) this.closeSeconds();
    await this.flush(!coversNow ? 'due' : query.quantiles.length === 0 ? 'sums' : 'all');
    const devices = await this.devices(query.device);
    const parts: AsyncGenerator<UsageInterval | null, void>[] = [];
    for (const [device, sinceMs] of devices) {
      await this.tagsOf(device).refresh();
      parts.push(this.intervals(device, query, level, sinceMs));
    }
    yield* inParts(mergeAsync(parts, query), clock, nextTurn);
  }

  async listTags(query: {
    device: string;
    prefix: string;
    after: { device: string; tag: string } | null;
    limit: number;
  }): Promise<TagSummary[]> {
    const { after, prefix, limit } = query;
    this.closeSeconds();
    await this.flush();
    const found: TagSummary[] = [];
    for (const [device] of await this.devices(query.device)) {
      if (after !== null && device < after.device) continue;
      if (found.length >= limit) break;
      const from = after?.device === device ? after.tag : '';
      const tags = await this.tagsOf(device).list(prefix, from, limit - found.length);
      for (const { tag, lastSeenS } of tags) found.push({ device, tag, lastSeenMs: lastSeenS * MS_PER_S });
    }
    return found;
  }

  /** Resolves when what has closed is in the store, or the store is away: then it is sent later. */
  flush(which: SendOpen = 'due'): Promise<void> {
    if (this.wanted === 'due' || which === 'all') this.wanted = which;
    // What is under way may have been taken before the caller's own last record: those who wait share the next.
    this.next ??= (this.sending ?? Promise.resolve()).then(() => {
      const { wanted } = this;
      [this.next, this.wanted] = [null, 'due'];
      this.sending = this.sendAll(wanted).finally(() => (this.sending = null));
      return this.sending;
    });
    return this.next;
  }

  /** Sends what is open, too. */
  async close(): Promise<void> {
    this.timer.cancel();
    this.closeSeconds();
    await this.flush('all');
  }

  private wait(): Timer {
    const { clock } = this.options;
    const ns = (MS_PER_S - (clock.wallMs() % MS_PER_S) + AFTER_SECOND_MS) * NS_PER_MS;
    return clock.after(Math.min(ns, NS_PER_S), () => {
      void this.flush();
      this.timer = this.wait();
    });
  }

  private closeSeconds(): void {
    for (const ledger of this.ledgers.values()) ledger.closeSecond();
  }

  private async sendAll(which: SendOpen): Promise<void> {
    try {
      for (const sender of this.senders.values()) await sender.send(which);
      this.away = false;
    } catch (error) {
      if (!this.away) {
        const reason = (error as Error).message;
        this.options.logger.warn({ reason }, 'usage cannot be sent to the store; it is kept and sent again');
      }
      this.away = true;
    }
  }

  private checkKept(query: UsageQuery, level: number): void {
    const { stepMs, keepMs: sumsMs, keepQuantilesMs } = USAGE_STEPS[level]!;
    const keepMs = query.quantiles.length === 0 ? sumsMs : keepQuantilesMs;
    const oldestMs = Math.floor(this.options.clock.wallMs() / stepMs) * stepMs - keepMs;
    if (query.fromMs < oldestMs) throw tooOld(query, level, oldestMs);
  }

  private tagsOf(device: string): UsageTags {
    let tags = this.tags.get(device);
    if (tags === undefined) this.tags.set(device, (tags = new UsageTags(device, this.options.connection)));
    return tags;
  }

  /** By name, each with when it was first counted. */
  private async devices(device: string): Promise<[device: string, sinceMs: number][]> {
    const [reply] = await this.options.connection.batch([['ZRANGE', DEVICES_KEY, 0, -1, 'WITHSCORES']]);
    const found = pairsOf(reply as readonly unknown[]).map(([name, since]): [string, number] => [
      String(name),
      Number(since),
    ]);
    return found.filter(([name]) => device === '' || name === device).sort(([a], [b]) => (a < b ? -1 : 1));
  }

  private async *intervals(
    device: string,
    query: UsageQuery,
    level: number,
    sinceMs: number,
  ): AsyncGenerator<UsageInterval | null, void> {
    const tags = this.tagsOf(device);
    const sum = new UsageSum(device, (id) => tags.shown(id), query);
    let any = false;
    for await (const interval of this.fetched(device, query, level)) {
      const found = yield* addInterval(sum, tags, interval);
      any ||= found;
      if (query.stepMs !== 0 && found) {
        const startMs = interval.startS * MS_PER_S;
        yield yield* sum.finish(startMs, startMs + query.stepMs);
      } else {
        yield null;
      }
    }
    if (query.stepMs !== 0 || !any) return;
    if (level === LEVELS) yield yield* sum.finish(sinceMs, this.options.clock.wallMs());
    else yield yield* sum.finish(query.fromMs, query.toMs);
  }

  /** What the store has of each interval, in order of time. */
  private async *fetched(device: string, query: UsageQuery, level: number): AsyncGenerator<Fetched[number], void> {
    const starts: number[] = [];
    if (level === LEVELS) starts.push(0);
    else {
      const stepS = STEPS_S[level]!;
      const lastS = Math.min(query.toMs, this.options.clock.wallMs() + 2 * stepS * MS_PER_S) / MS_PER_S;
      for (let startS = query.fromMs / MS_PER_S; startS < lastS; startS += stepS) starts.push(startS);
    }
    const apart = query.quantiles.length === 0;
    const fetch = (from: number): Promise<Fetched> =>
      this.fetch(device, level, starts.slice(from, from + FETCHED_AT_ONCE), apart);
    let next = fetch(0);
    for (let from = 0; from < starts.length; from += FETCHED_AT_ONCE) {
      const now = await next;
      if (from + FETCHED_AT_ONCE < starts.length) {
        next = fetch(from + FETCHED_AT_ONCE);
        // Awaited in the next round; until then a failure has somebody to see it.
        next.catch(() => undefined);
      }
      yield* now;
    }
  }

  private async fetch(device: string, level: number, starts: readonly number[], apart: boolean): Promise<Fetched> {
    if (starts.length === 0) return [];
    const parts = apart ? (['sums'] as const) : (['sums', 'histograms'] as const);
    const commands = parts.flatMap((part) =>
      starts.map((startS) => ['HGETALL', intervalKey(device, level, startS, part)] as const),
    );
    const replies = await this.options.connection.batchBytes(commands);
    return starts.map((startS, i) => ({
      startS,
      sums: hashOf(replies[i]),
      histograms: apart ? null : hashOf(replies[starts.length + i]),
    }));
  }
}

/** @returns whether there was anything */
function* addInterval(sum: UsageSum, tags: UsageTags, { sums, histograms }: Fetched[number]): Generator<null, boolean> {
  for (const [field, value] of sums) {
    const part = unpackPart(value);
    yield* sum.addSums(tags.idsOf(field.split(':')[0]!, part), part.content);
  }
  for (const [field, value] of histograms ?? []) {
    const part = unpackPart(value);
    yield* sum.addHistograms(tags.idsOf(field.split(':')[0]!, part), part.content);
  }
  return sums.size > 0;
}

/** One device at a time is asked; all of them one after the other where several are. */
async function* mergeAsync(
  parts: readonly AsyncGenerator<UsageInterval | null, void>[],
  query: UsageQuery,
): AsyncGenerator<UsageInterval | null, void> {
  if (parts.length === 1) {
    yield* parts[0]!;
    return;
  }
  const gathered: UsageSteps[] = [];
  for (const part of parts) {
    const intervals: UsageInterval[] = [];
    for await (const step of part) {
      if (step !== null) intervals.push(step);
      yield null;
    }
    gathered.push(stepsOf(intervals));
  }
  yield* mergeUsage(gathered, query);
}

function* stepsOf(intervals: readonly UsageInterval[]): UsageSteps {
  yield* intervals;
}

/** HGETALL and WITHSCORES, as RESP2 and RESP3 have them. */
function pairsOf(reply: readonly unknown[]): [unknown, unknown][] {
  if (Array.isArray(reply[0])) return reply as [unknown, unknown][];
  const pairs: [unknown, unknown][] = [];
  for (let i = 0; i + 1 < reply.length; i += 2) pairs.push([reply[i], reply[i + 1]]);
  return pairs;
}

function hashOf(reply: unknown): Hash {
  const hash = new Map<string, Buffer>();
  if (reply instanceof Map) {
    for (const [field, value] of reply as Map<Buffer, Buffer>) hash.set(String(field), value);
  } else if (Array.isArray(reply)) {
    for (const [field, value] of pairsOf(reply)) hash.set(String(field), value as Buffer);
  } else {
    for (const [field, value] of Object.entries(reply as Record<string, Buffer>)) hash.set(field, value);
  }
  return hash;
}
