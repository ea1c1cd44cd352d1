/** Hosts, time and faults at random: whatever happens, each call is one that the contract of the exchange allows. */
import { DEFAULT_SETTINGS, patchSettings, type DeviceSettingsPatch } from '../../core/model/device.js';
import type { Rng } from '../../core/ports.js';
import type { ExchangeCall, ExchangeReply } from '../../coordination/exchange/protocol.js';
import type { Surroundings } from '../../coordination/twin/exchange.js';
import { ModelHost, type ModelPolicies } from './model-host.js';

/** What a history wants done: a call answered, the state lost; or it tells how its hosts stand. */
export type Wish =
  | { readonly kind: 'call'; readonly call: ExchangeCall; readonly around: Surroundings }
  | { readonly kind: 'flush' }
  | { readonly kind: 'stepped'; readonly hosts: readonly ModelHost[] };

export interface HistoryOptions {
  readonly steps: number;
  readonly settings: DeviceSettingsPatch;
  readonly hosts: number;
  readonly tags: readonly string[];
  /** Probabilities a step. */
  readonly faults: {
    readonly lose: number;
    readonly duplicate: number;
    readonly crash: number;
    readonly server: number;
    /** Settings change; a fifth of the time the scheduler with them. */
    readonly settings: number;
    /** The state is lost. */
    readonly flush: number;
  };
  readonly costMax: number;
  /** Nobody pauses past its lease or sends unasked. */
  readonly orderly?: boolean;
  readonly leaseMs: number;
  /** Between two calls at most, but for a pause now and then. */
  readonly stepUs: number;
}

/** Each call that it wishes for is to be answered by the state's reply. */
export function* history(rng: Rng, options: HistoryOptions): Generator<Wish, void, ExchangeReply | null> {
  const policies: ModelPolicies = { revision: 0, shares: new Map() };
  let made = 0;
  const make = (): ModelHost => {
    const host = new ModelHost(`h${made++}`, 'disk0', options.settings, policies);
    host.leaseMs = options.leaseMs;
    host.exchangeUs = 100 + rng.below(900);
    return host;
  };
  const hosts = Array.from({ length: options.hosts }, make);
  const paused = new Map<ModelHost, number>();
  const earlier: ExchangeCall[] = [];
  let nowUs = 1_700_000_000_000_000;
  let server = 's0';
  let names = 0;
  const asked = (call: ExchangeCall): Wish => ({
    kind: 'call',
    call,
    around: { nowUs, server, incarnation: `i${names++}` },
  });
  const { faults } = options;

  for (let step = 0; step < options.steps; step++) {
    nowUs += options.orderly !== true && rng.next() < 0.01 ? rng.below(300_000) : rng.below(options.stepUs);
    const at = rng.below(hosts.length);
    const host = hosts[at]!;
    if (options.orderly !== true && rng.next() < 0.02) paused.set(host, nowUs + rng.below(300_000));
    if (rng.next() < faults.crash) {
      hosts[at] = make();
      if (rng.next() < 0.5) host.kind = 'leave';
      if (host.kind === 'leave') yield asked(host.call(nowUs));
      continue;
    }
    if (rng.next() < faults.server) server = `s${step}`;
    if (rng.next() < faults.flush) yield { kind: 'flush' };
    if (rng.next() < 0.02) changePolicy(rng, policies, options.tags);
    if (rng.next() < faults.settings) changeSettings(rng, hosts, options);
    if ((paused.get(host) ?? 0) > nowUs) continue;
    act(rng, host, options, nowUs);
    const call = structuredClone(host.call(nowUs));
    earlier.push(call);
    if (earlier.length > 20) earlier.shift();
    if (rng.next() < faults.lose / 2) {
      host.lost();
      continue;
    }
    const reply = yield asked(call);
    if (rng.next() < faults.duplicate) yield asked(earlier[rng.below(earlier.length)]!);
    if (rng.next() < faults.lose / 2) host.lost();
    else host.taken(reply!);
    yield { kind: 'stepped', hosts };
  }
}

function act(rng: Rng, host: ModelHost, options: HistoryOptions, nowUs: number): void {
  for (let i = rng.below(6); i > 0; i--) {
    host.arrive(
      options.tags[rng.below(options.tags.length)]!,
      1 + rng.below(options.costMax),
      nowUs - rng.below(1_000),
    );
  }
  for (let i = rng.below(8); i > 0; i--) host.finishOne(rng);
  if (rng.next() < 0.1) host.cancelOne(rng);
  if (rng.next() < 0.05) host.finishAll();
  if (options.orderly !== true && rng.next() < 0.02) host.sendUnasked(rng);
  if (rng.next() < 0.1) host.forgetQuiet();
}

function changePolicy(rng: Rng, policies: ModelPolicies, tags: readonly string[]): void {
  policies.revision += 1;
  const tag = tags[rng.below(tags.length)]!;
  policies.shares.set(tag, {
    shares: 1 + rng.below(1_000),
    selfShares: 1 + rng.below(1_000),
    revision: policies.revision,
  });
}

/** Costs above it pass what a tree's time may be within a history. */
const DEAR = 65_536;

/**
 * Depth and credit change at any time; the scheduler now and then. Where time is renormalised the credit
 * stays: idle nodes are floored by it at once in the twin, in Lua when they are next read.
 */
function changeSettings(rng: Rng, hosts: readonly ModelHost[], options: HistoryOptions): void {
  const patch = options.settings;
  const revision = Math.max(...hosts.map((host) => host.settingsRevision)) + 1;
  const schedulers = ['fair', 'fair', 'stride', 'fifo'] as const;
  const credit = patch.fair?.credit ?? 0;
  const depth = 1 + rng.below(16);
  const drawn = rng.below(3);
  const settings = patchSettings(DEFAULT_SETTINGS, {
    ...patch,
    depth,
    fair: { credit: options.costMax > DEAR ? credit : drawn, idleResetMs: 1 + rng.below(50) },
    ...(rng.next() < 0.2 ? { scheduler: schedulers[rng.below(4)]! } : {}),
  });
  for (const host of hosts) {
    if (rng.next() < 0.5) continue;
    host.settings = settings;
    host.settingsRevision = revision;
  }
}
