/**
 * What one host has counted of one device, on its way to Redis: once a second the seconds that closed,
 * and what the open minute, the open hour and the total stand at by now. Everything is absolute: what
 * a lost reply leaves in doubt is sent again. A store that was emptied gets the last 15 minutes again.
 */
import { randomUUID } from 'node:crypto';
import { MS_PER_S } from '../../core/model/units.js';
import { USAGE_STEPS } from '../../core/model/usage.js';
import type { Clock } from '../../core/ports.js';
import type { ClosedInterval, Ledger } from '../../core/usage.js';
import type { UsageBlock } from '../../core/usage/block.js';
import { LEVELS, STEPS_S } from '../../core/usage/levels.js';
import { packNames, packPart } from '../../core/usage/portable.js';
import type { Argument, RedisConnection } from './connection.js';
import { DEVICES_KEY, intervalKey, keepMs, lifeKey, tagsKey } from './usage-keys.js';

type Command = readonly [name: string, ...args: Argument[]];

/** Kept to be sent to a store that lost it. */
const KEPT_MS = USAGE_STEPS[0].keepMs;
const MINUTES = 1;
const HOURS = 2;
/** With more tags in them, the hour and the total are sent every so many seconds: one for each as many. */
const TAGS_A_SECOND = 5_000;

/** How much of what is open is sent: what is due, or the sums of all of it, or all of it. */
export type SendOpen = 'due' | 'sums' | 'all';

export class UsageSender {
  private readonly device: string;
  private readonly host: string;
  private readonly ledger: Ledger;
  private readonly connection: RedisConnection;
  private readonly clock: Clock;
  /** Closed and not known to be in the store. */
  private unsent: ClosedInterval[] = [];
  /** Closed within the last 15 minutes. */
  private recent: ClosedInterval[] = [];
  private life = '';
  /** Whether open intervals have grown since they were sent, and whether their histograms have. */
  private grown = false;
  private histogramsGrown = false;
  private minuteClosed = false;
  private sentCoarseMs = 0;

  constructor(device: string, host: string, ledger: Ledger, connection: RedisConnection, clock: Clock) {
    this.device = device;
    this.host = host;
    this.ledger = ledger;
    this.connection = connection;
    this.clock = clock;
    ledger.onClosed((interval) => {
      this.unsent.push(interval);
      this.recent.push(interval);
      this.grown = true;
      if (interval.level === MINUTES) this.minuteClosed = true;
    });
  }

  /**
   * Sends what has closed and how far open intervals have come. One at a time.
   * @throws SluiceError as RedisConnection.batch: it is sent again with the next call
   */
  async send(which: SendOpen): Promise<void> {
    this.ledger.advance();
    await this.noticeLife();
    this.forget();
    if (!this.grown && !(which === 'all' && this.histogramsGrown)) return;
    const taken = this.unsent;
    const commands = taken.flatMap((interval) => this.commandsOf(interval.level, interval, interval.block, false));
    const coarse = which !== 'due' || this.minuteClosed || this.coarseDue();
    const histograms = which === 'all' || this.minuteClosed;
    commands.push(...this.openCommands(MINUTES, false));
    if (coarse) for (const level of [HOURS, LEVELS]) commands.push(...this.openCommands(level, !histograms));
    commands.push(...this.tagCommands(taken));
    this.unsent = [];
    [this.grown, this.minuteClosed, this.histogramsGrown] = [false, false, !histograms];
    try {
      await this.connection.batch(commands);
    } catch (error) {
      this.unsent = [...taken, ...this.unsent];
      [this.grown, this.minuteClosed] = [true, true];
      throw error;
    }
    // What may wait is still to be sent.
    if (!coarse) this.grown = true;
    else this.sentCoarseMs = this.clock.wallMs();
  }

  /** An empty store, or one that began anew, has to be told again. */
  private async noticeLife(): Promise<void> {
    const key = lifeKey(this.device);
    const [, life] = await this.connection.batch([
      ['SET', key, randomUUID(), 'NX'],
      ['GET', key],
    ]);
    if (life === this.life) return;
    if (this.life !== '') {
      this.unsent = [...this.recent];
      [this.grown, this.minuteClosed] = [true, true];
    }
    await this.connection.batch([['ZADD', DEVICES_KEY, 'LT', this.ledger.startMs, this.device]]);
    this.life = String(life);
  }

  /** What is too old to be sent again, or to be sent at all while the store is away. */
  private forget(): void {
    const nowMs = this.clock.wallMs();
    this.recent = this.recent.filter(({ level, startS }) => (startS + STEPS_S[level]!) * MS_PER_S >= nowMs - KEPT_MS);
    this.unsent = this.unsent.filter(({ level, startS }) => startS * MS_PER_S >= nowMs - USAGE_STEPS[level]!.keepMs);
  }

  private coarseDue(): boolean {
    const tags = this.ledger.tagCount;
    return this.clock.wallMs() - this.sentCoarseMs >= Math.ceil(tags / TAGS_A_SECOND) * MS_PER_S - MS_PER_S / 2;
  }

  private openCommands(level: number, apart: boolean): Command[] {
    const open = this.ledger.soFar(level, apart);
    return open === null ? [] : this.commandsOf(level, open, open.block, apart);
  }

  private commandsOf(
    level: number,
    interval: { readonly startS: number; readonly afterNumber: number },
    block: UsageBlock,
    apart: boolean,
  ): Command[] {
    const tags = this.ledger.namesOf(block.ids);
    const names = packNames(tags.length, (i) => tags[i]!);
    const count = tags.length;
    // A minute or an hour that the clock came back to is another one, with a number of its own.
    const field = level === LEVELS ? this.host : `${this.host}:${String(interval.afterNumber)}`;
    const commands: Command[] = [];
    const parts = apart ? (['sums'] as const) : (['sums', 'histograms'] as const);
    for (const part of parts) {
      const key = intervalKey(this.device, level, interval.startS, part);
      commands.push(['HSET', key, field, Buffer.from(packPart({ names, count, content: block[part] }))]);
      if (level !== LEVELS) commands.push(['PEXPIRE', key, keepMs(level, part)]);
    }
    return commands;
  }

  private tagCommands(intervals: readonly ClosedInterval[]): Command[] {
    const lastSeen = new Map<string, number>();
    for (const { level, startS, block } of intervals) {
      if (level !== 0) continue;
      for (const tag of this.ledger.namesOf(block.ids)) lastSeen.set(tag, Math.max(lastSeen.get(tag) ?? 0, startS));
    }
    if (lastSeen.size === 0) return [];
    const pairs = [...lastSeen].flatMap(([tag, second]) => [second, tag]);
    return [['ZADD', tagsKey(this.device), 'GT', ...pairs]];
  }
}
