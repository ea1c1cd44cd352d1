/** What happens in one run of the simulated cluster, all of it from the seed. */
import { DEFAULT_SETTINGS, patchSettings, type DeviceSettings } from '../../core/model/device.js';
import type { Rng } from '../../core/ports.js';
import { coordinationOptions, type CoordinationOptions } from '../../coordination/exchange/options.js';
import type { NetworkFaults } from '../../coordination/twin/network.js';

/** `light`: one request at a time, seldom; `saturated`: more waits than fits, all the time; `mixed`: on and off. */
export type Profile = 'light' | 'saturated' | 'mixed';

export interface PlannedTag {
  readonly tag: string;
  /** By host, how many requests it keeps waiting or at the device; 0: it does not come in there. */
  readonly outstanding: readonly number[];
}

export type Fault =
  /** The network loses, doubles and delays. */
  | { readonly kind: 'network'; readonly faults: NetworkFaults }
  | { readonly kind: 'partition' | 'crash' | 'stop' | 'sleep'; readonly host: number }
  | { readonly kind: 'wall-jump'; readonly host: number; readonly byMs: number }
  /** The store takes nothing in. */
  | { readonly kind: 'store-stopped' }
  | { readonly kind: 'store-clock'; readonly byMs: number }
  /** Another server, with what the store had so long ago. */
  | { readonly kind: 'failover'; readonly ageMs: number }
  | { readonly kind: 'flush-all' }
  | { readonly kind: 'shares'; readonly tag: string; readonly shares: number }
  | { readonly kind: 'settings'; readonly settings: DeviceSettings };

export interface PlannedFault {
  readonly fault: Fault;
  readonly atMs: number;
  /** When it is over; atMs where it is no state but an event. */
  readonly untilMs: number;
}

export interface Plan {
  readonly seed: number;
  readonly hosts: number;
  /** By host: how fast its clock runs. */
  readonly rates: readonly number[];
  readonly profile: Profile;
  readonly settings: DeviceSettings;
  readonly options: CoordinationOptions;
  readonly network: NetworkFaults;
  readonly serviceUs: number;
  readonly costMax: number;
  readonly tags: readonly PlannedTag[];
  readonly shares: ReadonlyMap<string, number>;
  readonly faults: readonly PlannedFault[];
  readonly activeMs: number;
}

const TAGS = ['a', 'b', 'acme/db', 'acme/log', 'acme', 'c', 'other/x/y', 'other/x'] as const;
const SHARES = [1, 10, 100, 100, 300, 1_000] as const;
const LEASE_MS = 300;
/** Requests a second that the disk serves, whatever its depth: what makes a run affordable. */
const RATE = 800;

function pick<T>(rng: Rng, from: readonly T[]): T {
  return from[rng.below(from.length)]!;
}

export function planOf(seed: number, rng: Rng, activeMs: number): Plan {
  const hosts = 1 + rng.below(4);
  const profile = pick<Profile>(rng, ['light', 'saturated', 'saturated', 'mixed', 'mixed']);
  const settings = settingsOf(rng);
  const tags = tagsOf(rng, hosts, profile, settings.depth);
  const shares = new Map<string, number>();
  for (const { tag } of tags) {
    for (let at = tag.length; at > 0; at = tag.lastIndexOf('/', at - 1))
      shares.set(tag.slice(0, at), pick(rng, SHARES));
  }
  const delayUsMax = pick(rng, [150, 400, 2_000]);
  const lossy = rng.below(4) === 0;
  const network = { delayUsMin: 50, delayUsMax, loss: lossy ? 0.01 : 0, duplicate: lossy ? 0.02 : 0 };
  const faults = faultsOf(rng, hosts, profile, settings, tags, activeMs);
  // With heartbeats far apart nothing but a nudge brings news in time.
  const leaseMs = faults.length === 0 && !lossy ? 3_000 : LEASE_MS;
  return {
    seed,
    hosts,
    rates: Array.from({ length: hosts }, () => 1 + (rng.next() - 0.5) * 0.04),
    profile,
    settings,
    options: coordinationOptions({
      leaseMs,
      // Where messages are lost anyway a few in a row are no outage.
      graceMs: lossy ? 400 : pick(rng, [150, 400]),
      outage: pick(rng, ['continue', 'continue', 'reject']),
    }),
    network,
    serviceUs: (settings.depth * 1e6) / RATE,
    costMax: pick(rng, [1, 1, 8]),
    tags,
    shares,
    faults,
    activeMs,
  };
}

function settingsOf(rng: Rng): DeviceSettings {
  return patchSettings(DEFAULT_SETTINGS, {
    depth: pick(rng, [1, 2, 4, 4, 8, 16, 32]),
    scheduler: pick(rng, ['fair', 'fair', 'fair', 'fair', 'fair', 'fair', 'stride', 'fifo']),
    fair: { credit: pick(rng, [0, 0, 4]), idleResetMs: pick(rng, [50, 1_000]) },
    stride: { sleepMs: 50 },
  });
}

/** Tags alone on a host, all on one, or on each. */
function tagsOf(rng: Rng, hosts: number, profile: Profile, depth: number): PlannedTag[] {
  const names = [...TAGS];
  const tags: PlannedTag[] = [];
  for (let count = 2 + rng.below(5); count > 0; count--) {
    const [tag] = names.splice(rng.below(names.length), 1);
    const everywhere = rng.below(2) === 0;
    const home = rng.below(hosts);
    const outstanding: number[] = [];
    for (let host = 0; host < hosts; host++) {
      const here = everywhere || host === home;
      const many = profile === 'saturated' ? depth + 16 : 1 + rng.below(6);
      outstanding.push(!here ? 0 : profile === 'light' ? 1 : many);
    }
    tags.push({ tag: tag!, outstanding });
  }
  return tags;
}

function faultsOf(
  rng: Rng,
  hosts: number,
  profile: Profile,
  settings: DeviceSettings,
  tags: readonly PlannedTag[],
  activeMs: number,
): PlannedFault[] {
  const planned: PlannedFault[] = [];
  const count = rng.below(profile === 'light' ? 2 : 5);
  for (let i = 0; i < count; i++) {
    const fault = faultOf(rng, hosts, settings, tags);
    // The last part of a run is left alone: what has to come back must have come back by then.
    const atMs = Math.floor((0.1 + 0.4 * rng.next()) * activeMs);
    planned.push({ fault, atMs, untilMs: atMs + (isState(fault) ? 20 + rng.below(700) : 0) });
  }
  return planned.sort((a, b) => a.atMs - b.atMs);
}

function isState(fault: Fault): boolean {
  switch (fault.kind) {
    case 'network':
    case 'partition':
    case 'crash':
    case 'stop':
    case 'sleep':
    case 'store-stopped':
      return true;
    case 'wall-jump':
    case 'store-clock':
    case 'failover':
    case 'flush-all':
    case 'shares':
    case 'settings':
      return false;
  }
}

function faultOf(rng: Rng, hosts: number, settings: DeviceSettings, tags: readonly PlannedTag[]): Fault {
  const host = rng.below(hosts);
  switch (rng.below(13)) {
    case 0:
      return { kind: 'network', faults: { delayUsMin: 50, delayUsMax: 20_000, loss: 0.2, duplicate: 0.2 } };
    case 1:
    case 2:
      return { kind: 'partition', host };
    case 3:
    case 4:
      return { kind: 'crash', host };
    case 5:
      return { kind: 'stop', host };
    case 6:
      return { kind: 'sleep', host };
    case 7:
      return { kind: 'wall-jump', host, byMs: (rng.next() - 0.5) * 20_000 };
    case 8:
      return { kind: 'store-stopped' };
    case 9:
      return rng.below(2) === 0 ? { kind: 'store-clock', byMs: (rng.next() - 0.5) * 20_000 } : { kind: 'flush-all' };
    case 10:
      return { kind: 'failover', ageMs: rng.below(3) === 0 ? 0 : rng.below(200) };
    case 11:
      return { kind: 'shares', tag: pick(rng, tags).tag, shares: pick(rng, SHARES) };
    default:
      return { kind: 'settings', settings: changed(rng, settings) };
  }
}

function changed(rng: Rng, settings: DeviceSettings): DeviceSettings {
  return rng.below(2) === 0
    ? { ...settings, depth: pick(rng, [1, Math.ceil(settings.depth / 2), settings.depth * 2]) }
    : { ...settings, scheduler: pick(rng, ['fair', 'stride', 'fifo']) };
}
