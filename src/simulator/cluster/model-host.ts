/**
 * A host that says what the contract of the exchange lets a host say, and nothing thought through:
 * what it has queued and at the device, changed at random, told call by call. For tests of the
 * state half, which has to bear any order of it.
 */
import {
  DEFAULT_SETTINGS,
  patchSettings,
  type DeviceSettings,
  type DeviceSettingsPatch,
} from '../../core/model/device.js';
import type { Rng } from '../../core/ports.js';
import {
  HEAD_COSTS_MAX,
  type ExchangeCall,
  type ExchangeReply,
  type NodeState,
  type RowState,
} from '../../coordination/exchange/protocol.js';

interface Waiting {
  readonly cost: number;
  readonly sinceUs: number;
}

interface ModelRow {
  readonly row: number;
  readonly tag: string;
  readonly queue: Waiting[];
  seen: number;
  used: number;
  handedBack: number;
  advanced: number;
  dispatchedCost: number;
  finished: number;
  /** Of `used` and `advanced`: how many of those at the device went on the advance. */
  onAdvance: number;
  answered: boolean;
  changed: boolean;
  forgotten: boolean;
}

/** Shares by tag and the revision that they are of. */
export interface ModelPolicies {
  revision: number;
  readonly shares: Map<string, { shares: number; selfShares: number; revision: number }>;
}

export class ModelHost {
  readonly id: string;
  readonly device: string;
  readonly policies: ModelPolicies;
  settings: DeviceSettings;
  settingsRevision = 1;
  leaseMs = 2_000;
  exchangeUs = 500;
  kind: 'join' | 'exchange' | 'leave' = 'join';
  incarnation = '';
  epoch = 1;
  n = 0;
  acked = 0;
  advance = 0;
  outageQuota = 0;
  hosts = 0;
  inAdvance = 0;
  /** Requests granted or sent in advance, by tag, and their cost. */
  readonly served = new Map<string, number>();
  readonly #rows = new Map<string, ModelRow>();
  readonly #byNumber = new Map<number, ModelRow>();
  readonly #free: number[] = [];
  #numbers = 0;
  #lastReply: ExchangeReply | null = null;
  #told = new Set<ModelRow>();

  constructor(id: string, device: string, settings: DeviceSettingsPatch, policies: ModelPolicies) {
    this.id = id;
    this.device = device;
    this.policies = policies;
    this.settings = patchSettings(DEFAULT_SETTINGS, settings);
  }

  get outstanding(): number {
    let sum = 0;
    for (const row of this.#rows.values()) sum += row.used + row.advanced - row.finished;
    return sum;
  }

  get backlog(): number {
    let sum = 0;
    for (const row of this.#rows.values()) sum += row.queue.length;
    return sum;
  }

  /** Rows that it keeps. */
  get rowCount(): number {
    return this.#rows.size;
  }

  get lastReply(): ExchangeReply | null {
    return this.#lastReply;
  }

  /** A request comes in: sent at once where the advance allows. */
  arrive(tag: string, cost: number, nowUs: number): void {
    const row = this.#row(tag);
    // Being forgotten, and the state may have done so already: its number is free once that is answered.
    if (row.forgotten) return;
    row.queue.push({ cost, sinceUs: nowUs });
    row.changed = true;
    this.#useAdvance(row);
  }

  /** The oldest waiting request of a random row is taken back. */
  cancelOne(rng: Rng): void {
    const row = this.#pick(rng, (r) => r.queue.length > 0);
    if (row === null) return;
    row.queue.splice(rng.below(row.queue.length), 1);
    row.changed = true;
  }

  finishOne(rng: Rng): void {
    const row = this.#pick(rng, (r) => r.used + r.advanced > r.finished);
    if (row === null) return;
    this.#finish(row);
  }

  finishAll(): void {
    for (const row of this.#rows.values()) while (row.used + row.advanced > row.finished) this.#finish(row);
  }

  /** Sends requests without asking, as in an outage. */
  sendUnasked(rng: Rng): void {
    const row = this.#pick(rng, (r) => r.queue.length > 0);
    if (row !== null) this.#sendAdvanced(row);
  }

  call(nowUs: number): ExchangeCall {
    if (this.kind === 'join') this.#prepareJoin();
    const rows: RowState[] = [];
    this.#told = new Set();
    const forget: number[] = [];
    for (const row of this.#rows.values()) {
      if (row.forgotten) {
        forget.push(row.row);
        continue;
      }
      if (!row.changed && row.answered && this.kind !== 'join') continue;
      rows.push(this.#state(row, nowUs));
      row.changed = false;
      this.#told.add(row);
    }
    this.n += 1;
    return {
      device: this.device,
      host: this.id,
      kind: this.kind,
      incarnation: this.incarnation,
      epoch: this.epoch,
      n: this.n,
      acked: this.acked,
      leaseMs: this.leaseMs,
      settings: this.settings,
      settingsRevision: this.settingsRevision,
      exchangeUs: this.exchangeUs,
      advance: this.advance,
      outageQuota: this.outageQuota,
      hosts: this.hosts,
      advanceIdle: this.advance > this.inAdvance ? this.advance - this.inAdvance : 0,
      rows,
      nodes: this.#nodes(rows),
      forget,
    };
  }

  /** The call's answer is not known: what it told is told again. */
  lost(): void {
    for (const row of this.#told) row.changed = true;
  }

  taken(reply: ExchangeReply): void {
    this.#lastReply = reply;
    this.acked = reply.n;
    if (reply.status === 'rejoin') {
      this.kind = 'join';
      this.epoch += 1;
      this.lost();
      return;
    }
    if (reply.status !== 'ok') {
      this.lost();
      return;
    }
    this.kind = 'exchange';
    this.incarnation = reply.incarnation;
    this.epoch = reply.epoch;
    this.hosts = reply.hosts;
    this.outageQuota = reply.outageQuota;
    this.advance = reply.advance;
    const refused = new Set(reply.refusedRows.map((row) => row.row));
    for (const row of [...this.#rows.values()]) {
      if (refused.has(row.row)) this.#drop(row);
      else if (row.forgotten) this.#drop(row);
      else if (this.#told.has(row)) row.answered = true;
    }
    for (const { row: number, granted } of reply.granted) this.#granted(number, granted);
    for (const row of this.#rows.values()) this.#useAdvance(row);
  }

  /** Rows that are quiet and answered are given up. */
  forgetQuiet(): void {
    for (const row of this.#rows.values()) {
      const quiet = row.queue.length === 0 && row.used + row.advanced === row.finished;
      if (quiet && row.answered && !row.changed) row.forgotten = true;
    }
  }

  #granted(number: number, granted: number): void {
    const row = this.#byNumber.get(number);
    if (row === undefined) throw new Error(`a grant for row ${number}, which is not open`);
    if (granted < row.seen) throw new Error(`granted fell below what was seen: ${granted} < ${row.seen}`);
    for (let i = granted - row.seen; i > 0; i--) {
      const head = row.queue.shift();
      if (head === undefined) {
        row.handedBack += 1;
      } else {
        row.used += 1;
        row.dispatchedCost += head.cost;
        this.#count(row.tag, head.cost);
      }
    }
    row.seen = granted;
    row.changed = true;
  }

  #useAdvance(row: ModelRow): void {
    while (row.queue.length > 0 && this.inAdvance < this.advance) {
      this.#sendAdvanced(row);
      row.onAdvance += 1;
      this.inAdvance += 1;
    }
  }

  #sendAdvanced(row: ModelRow): void {
    const head = row.queue.shift()!;
    row.advanced += 1;
    row.dispatchedCost += head.cost;
    row.changed = true;
    this.#count(row.tag, head.cost);
  }

  #count(tag: string, cost: number): void {
    this.served.set(tag, (this.served.get(tag) ?? 0) + cost);
  }

  #finish(row: ModelRow): void {
    row.finished += 1;
    row.changed = true;
    if (row.onAdvance === 0) return;
    row.onAdvance -= 1;
    this.inAdvance -= 1;
  }

  #prepareJoin(): void {
    this.advance = 0;
    this.inAdvance = 0;
    for (const row of [...this.#rows.values()]) {
      const out = row.used + row.advanced - row.finished;
      if (row.forgotten) {
        this.#drop(row);
        continue;
      }
      // What was not told before is charged; what was told stays charged where it was.
      Object.assign(row, {
        seen: 0,
        used: 0,
        handedBack: 0,
        finished: 0,
        advanced: out,
        dispatchedCost: 0,
        onAdvance: 0,
      });
      row.answered = false;
    }
  }

  #state(row: ModelRow, nowUs: number): RowState {
    const heads = row.queue.slice(0, HEAD_COSTS_MAX);
    return {
      row: row.row,
      tag: row.answered && this.kind !== 'join' ? '' : row.tag,
      backlog: row.queue.length,
      headCosts: heads.map((head) => head.cost),
      headAgesUs: heads.map((head) => nowUs - head.sinceUs),
      seen: row.seen,
      used: row.used,
      handedBack: row.handedBack,
      advanced: row.advanced,
      dispatchedCost: row.dispatchedCost,
      finished: row.finished,
    };
  }

  /** Policies of the tags on the way to the rows that are opened, and of all that changed. */
  #nodes(rows: readonly RowState[]): NodeState[] {
    const tags = new Set<string>();
    for (const { tag } of rows) {
      if (tag === '') continue;
      for (let end = tag.indexOf('/'); end >= 0; end = tag.indexOf('/', end + 1)) tags.add(tag.slice(0, end));
      tags.add(tag);
    }
    for (const [tag, { revision }] of this.policies.shares) if (revision > this.policies.revision - 3) tags.add(tag);
    return [...tags].flatMap((tag) => {
      const policy = this.policies.shares.get(tag);
      return policy === undefined ? [] : [{ tag, ...policy }];
    });
  }

  #row(tag: string): ModelRow {
    const known = this.#rows.get(tag);
    if (known !== undefined) return known;
    const row: ModelRow = {
      row: this.#free.pop() ?? this.#numbers++,
      tag,
      queue: [],
      seen: 0,
      used: 0,
      handedBack: 0,
      advanced: 0,
      dispatchedCost: 0,
      finished: 0,
      onAdvance: 0,
      answered: false,
      changed: true,
      forgotten: false,
    };
    this.#rows.set(tag, row);
    this.#byNumber.set(row.row, row);
    return row;
  }

  #drop(row: ModelRow): void {
    this.#rows.delete(row.tag);
    this.#byNumber.delete(row.row);
    this.#free.push(row.row);
  }

  #pick(rng: Rng, fits: (row: ModelRow) => boolean): ModelRow | null {
    const rows = [...this.#rows.values()].filter((row) => !row.forgotten && fits(row));
    return rows.length === 0 ? null : rows[rng.below(rows.length)]!;
  }
}
