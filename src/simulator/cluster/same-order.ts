/**
 * One host alone, told of each event by itself: the shared state then has to grant in the very order
 * in which the algorithm of core/scheduling does in one process, whose bounds are proven there.
 */
import { exchange } from '../../coordination/twin/exchange.js';
import type { DeviceState } from '../../coordination/twin/records.js';
import { HEAD_COSTS_MAX, type ExchangeCall, type NodeState } from '../../coordination/exchange/protocol.js';
import { DEFAULT_SETTINGS, patchSettings, type DeviceSettings } from '../../core/model/device.js';
import { OPS, type RequestView } from '../../core/model/request.js';
import { NS_PER_US } from '../../core/model/units.js';
import type { Rng } from '../../core/ports.js';
import type { SchedulingAlgorithm } from '../../core/scheduling/algorithm.js';
import { ALGORITHMS } from '../../core/scheduling/registry.js';

const TAGS = ['a', 'b', 'acme/db', 'acme', 'acme/log', 'x/y/z', 'x/y'] as const;
const SHARES = [1, 10, 100, 300, 1_000] as const;
const STEPS = 160;
const LEASE_MS = 600_000;

interface Request extends RequestView {
  readonly tag: string;
  readonly arrivedUs: number;
}

/** One tag: its queue, and what its row says. */
class Lane {
  readonly tag: string;
  readonly row: number;
  readonly queue: Request[] = [];
  told = false;
  /** Grants by the last call, and used by now. */
  seen = 0;
  used = 0;
  finished = 0;
  cost = 0;
  /** In the algorithm: its leaf, and how many requests it knows of. */
  leaf = -1;
  held = 0;

  constructor(tag: string, row: number) {
    this.tag = tag;
    this.row = row;
  }
}

export class SameOrder {
  readonly #rng: Rng;
  readonly #settings: DeviceSettings;
  readonly #lanes: Lane[];
  readonly #byLeaf = new Map<number, Lane>();
  readonly #shares = new Map<string, number>();
  readonly #atDevice: Request[] = [];
  readonly #algorithm: SchedulingAlgorithm;
  #state: DeviceState | null = null;
  #nowUs = 0;
  #sequence = 0;
  #n = 0;
  #revision = 1;
  #incarnation = '';
  /** Nodes whose shares the state has not been told. */
  readonly #news = new Set<string>();
  readonly #changed = new Set<Lane>();

  constructor(rng: Rng) {
    this.#rng = rng;
    this.#settings = patchSettings(DEFAULT_SETTINGS, {
      scheduler: this.#pick(['fair', 'fair', 'fair', 'fair', 'stride', 'fifo']),
      stride: {
        globalShares: this.#pick([10_000, 4_000]),
        sleepMs: 40,
        threshold: this.#pick([5_000, 2 ** 40]),
        sleepRule: this.#pick(['as-written', 'before-pick']),
      },
      depth: 1 + rng.below(4),
      fair: { credit: this.#pick([0, 0, 5]), idleResetMs: this.#pick([20, 1_000]) },
    });
    this.#lanes = TAGS.slice(0, 2 + rng.below(TAGS.length - 1)).map((tag, row) => new Lane(tag, row));
    this.#algorithm = ALGORITHMS[this.#settings.scheduler]({
      settings: this.#settings,
      sharesOf: (tag) => ({ shares: this.#sharesOf(tag), selfShares: 100 }),
      heads: { head: (leaf) => this.#byLeaf.get(leaf)!.queue[0]! },
    });
  }

  /** @returns where the two part; '' where they do not */
  play(): string {
    this.#ask(this.#call('join'));
    // First each tag once, all of them kept busy: which idle ones are forgotten is each side's own affair.
    const unopened = [...this.#lanes];
    for (let step = 0; step < STEPS; step++) {
      this.#nowUs += 1 + this.#rng.below(this.#rng.below(20) === 0 ? 60_000 : 400);
      const [first] = unopened.splice(this.#rng.below(Math.max(1, unopened.length)), 1);
      const what = first === undefined ? this.#event() : this.#arrive(first);
      const call = this.#call('exchange');
      for (const lane of this.#lanes) lane.seen = lane.used;
      const here = this.#grants();
      const there = this.#ask(call);
      // Which grants one call brings is told, not in which order it made them.
      if ([...here].sort().join() !== [...there].sort().join()) {
        const { scheduler, depth } = this.#settings;
        return (
          `${scheduler} at depth ${depth}, one host alone, event ${step} (${what}): ` +
          `granted to ${there.join() || 'nobody'}, in one process to ${here.join() || 'nobody'}`
        );
      }
    }
    return '';
  }

  #pick<T>(from: readonly T[]): T {
    return from[this.#rng.below(from.length)]!;
  }

  #sharesOf(tag: string): number {
    let shares = this.#shares.get(tag);
    if (shares === undefined) this.#shares.set(tag, (shares = this.#pick(SHARES)));
    return shares;
  }

  get #nowNs(): number {
    return this.#nowUs * NS_PER_US;
  }

  #event(): string {
    const lane = this.#pick(this.#lanes);
    switch (this.#rng.below(12)) {
      case 0:
        return this.#cancel(lane);
      case 1:
        return this.#changeShares(lane.tag);
      case 2:
      case 3:
      case 4:
      case 5:
      case 6:
        return this.#leave();
      default:
        return this.#arrive(lane);
    }
  }

  #arrive(lane: Lane): string {
    const request: Request = {
      op: OPS.READ,
      offset: 0,
      lengthBytes: 4096,
      cost: 1 + this.#rng.below(this.#rng.below(10) === 0 ? 64 : 4),
      sequence: this.#sequence++,
      arrivedNs: this.#nowNs,
      arrivedUs: this.#nowUs,
      tag: lane.tag,
    };
    lane.queue.push(request);
    if (lane.held === 0) lane.leaf = this.#algorithm.open(lane.tag, this.#nowNs);
    this.#byLeaf.set(lane.leaf, lane);
    lane.held += 1;
    this.#algorithm.arrived(lane.leaf, request, this.#nowNs);
    this.#changed.add(lane);
    return `${lane.tag} arrives, cost ${request.cost}`;
  }

  #cancel(lane: Lane): string {
    if (lane.queue.length === 0) return 'nothing';
    const [request] = lane.queue.splice(this.#rng.below(lane.queue.length), 1);
    lane.held -= 1;
    this.#algorithm.cancelled(lane.leaf, request!, this.#nowNs);
    this.#changed.add(lane);
    return `${lane.tag} is cancelled`;
  }

  /** A request leaves the device, or is handed back unused. */
  #leave(): string {
    if (this.#atDevice.length === 0) return 'nothing';
    const [request] = this.#atDevice.splice(this.#rng.below(this.#atDevice.length), 1);
    const lane = this.#lanes.find(({ tag }) => tag === request!.tag)!;
    lane.held -= 1;
    lane.finished += 1;
    this.#changed.add(lane);
    // stride charges by the request that was sent, used or not.
    if (this.#settings.scheduler === 'stride' || this.#rng.below(10) > 0) {
      this.#algorithm.finished(lane.leaf, request!, 1, this.#nowNs);
      return `${lane.tag} ends`;
    }
    lane.cost -= request!.cost;
    this.#algorithm.handBack(lane.leaf, request!, this.#nowNs);
    return `${lane.tag} is handed back`;
  }

  #changeShares(tag: string): string {
    this.#shares.set(tag, this.#pick(SHARES));
    this.#revision += 1;
    this.#news.add(tag);
    this.#algorithm.sharesChanged(tag, this.#nowNs);
    return `${tag} has shares ${this.#sharesOf(tag)}`;
  }

  /** What the algorithm grants in this process; it goes to the device. */
  #grants(): string[] {
    const granted: string[] = [];
    while (this.#atDevice.length < this.#settings.depth) {
      const next = this.#algorithm.next(this.#nowNs);
      if (next.kind !== 'grant') break;
      const lane = this.#byLeaf.get(next.leaf)!;
      const request = lane.queue.shift()!;
      lane.used += 1;
      lane.cost += request.cost;
      this.#atDevice.push(request);
      this.#changed.add(lane);
      granted.push(lane.tag);
    }
    return granted;
  }

  /** What changed since the last call, as a host would say it. */
  #call(kind: 'join' | 'exchange'): ExchangeCall {
    const nodes: NodeState[] = [];
    const told = new Set<string>();
    const tell = (tag: string): void => {
      if (told.has(tag)) return;
      told.add(tag);
      nodes.push({ tag, shares: this.#sharesOf(tag), selfShares: 100, revision: this.#revision });
    };
    for (const tag of this.#news) tell(tag);
    const rows = [...this.#changed].map((lane) => {
      if (!lane.told)
        for (let at = lane.tag.length; at > 0; at = lane.tag.lastIndexOf('/', at - 1)) tell(lane.tag.slice(0, at));
      const heads = lane.queue.slice(0, HEAD_COSTS_MAX);
      return {
        row: lane.row,
        tag: lane.told ? '' : lane.tag,
        backlog: lane.queue.length,
        headCosts: heads.map(({ cost }) => cost),
        headAgesUs: heads.map(({ arrivedUs }) => this.#nowUs - arrivedUs),
        seen: lane.used,
        used: lane.used,
        handedBack: 0,
        advanced: 0,
        dispatchedCost: lane.cost,
        finished: lane.finished,
      };
    });
    for (const lane of this.#changed) lane.told = true;
    this.#changed.clear();
    this.#news.clear();
    this.#n += 1;
    return {
      device: 'disk0',
      host: 'host-0',
      kind,
      incarnation: this.#incarnation,
      epoch: 1,
      n: this.#n,
      acked: this.#n - 1,
      leaseMs: LEASE_MS,
      settings: this.#settings,
      settingsRevision: 1,
      exchangeUs: 100,
      advance: 0,
      outageQuota: 0,
      hosts: 1,
      advanceIdle: 0,
      rows,
      nodes,
      forget: [],
    };
  }

  /** @returns the tags of what the state grants, or what it answers instead */
  #ask(call: ExchangeCall): string[] {
    const around = { nowUs: this.#nowUs, server: 'server', incarnation: 'first' };
    const { state, reply } = exchange(this.#state, call, around);
    this.#state = state;
    this.#incarnation = reply.incarnation;
    if (reply.status !== 'ok') return [reply.status];
    return reply.granted.flatMap(({ row, granted }) => {
      const lane = this.#lanes[row]!;
      return Array.from({ length: granted - lane.seen }, () => lane.tag);
    });
  }
}
