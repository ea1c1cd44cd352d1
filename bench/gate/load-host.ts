/**
 * A host that always has more waiting than it is granted, at the least cost of its own: what is
 * granted counts as finished by the next call. What is measured is the exchange: packing, the way,
 * the script, unpacking.
 */
import { DEFAULT_SETTINGS, type DeviceSettings } from '../../src/core/model/device.js';
import {
  HEAD_COSTS_MAX,
  type ExchangeCall,
  type ExchangeReply,
  type ExchangeTransport,
  type RowState,
} from '../../src/coordination/exchange/protocol.js';

const BACKLOG = 256;
const COST = 4;
const HEADS: readonly number[] = Array.from({ length: HEAD_COSTS_MAX }, () => COST);
const AGES: readonly number[] = HEADS.map(() => 0);

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export class LoadHost {
  calls = 0;
  grants = 0;
  readonly #transport: ExchangeTransport;
  readonly #name: string;
  readonly #settings: DeviceSettings;
  readonly #rows: Mutable<RowState>[];
  #changed: Mutable<RowState>[];
  #reply: ExchangeReply | null = null;
  #n = 0;

  constructor(transport: ExchangeTransport, name: string, tags: readonly string[], depth: number) {
    this.#transport = transport;
    this.#name = name;
    this.#settings = { ...DEFAULT_SETTINGS, depth };
    this.#rows = tags.map((tag, row) => ({
      row,
      tag,
      backlog: BACKLOG,
      headCosts: HEADS,
      headAgesUs: AGES,
      seen: 0,
      used: 0,
      handedBack: 0,
      advanced: 0,
      dispatchedCost: 0,
      finished: 0,
    }));
    this.#changed = this.#rows;
  }

  step(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#transport.exchange(this.#call(), (reply, failure) => {
        if (reply?.status !== 'ok') {
          reject(new Error(reply === null ? failure : `${reply.status} ${reply.message}`));
          return;
        }
        this.#taken(reply);
        resolve();
      });
    });
  }

  #taken(reply: ExchangeReply): void {
    this.calls += 1;
    for (const row of this.#changed) row.tag = '';
    this.#changed = [];
    for (const { row: number, granted } of reply.granted) {
      const row = this.#rows[number]!;
      const more = granted - row.seen;
      this.grants += more;
      row.seen = granted;
      row.used = granted;
      row.finished = granted;
      row.dispatchedCost += more * COST;
      this.#changed.push(row);
    }
    this.#reply = reply;
  }

  #call(): ExchangeCall {
    const known = this.#reply;
    this.#n += 1;
    return {
      device: 'disk0',
      host: this.#name,
      kind: known === null ? 'join' : 'exchange',
      incarnation: known?.incarnation ?? '',
      epoch: known?.epoch ?? 1,
      n: this.#n,
      acked: this.#n - 1,
      leaseMs: 3_000,
      settings: this.#settings,
      settingsRevision: 1,
      // Fetched at once or not at all: what the other hosts are granted is theirs.
      exchangeUs: 1_000_000,
      advance: 0,
      outageQuota: known?.outageQuota ?? 0,
      hosts: known?.hosts ?? 0,
      advanceIdle: 0,
      rows: this.#changed,
      nodes: [],
      forget: [],
    };
  }
}
