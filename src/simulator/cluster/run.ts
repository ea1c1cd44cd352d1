/** One seed of the simulated cluster: real dispatchers and gates on the twin, and all that goes wrong. */
import { VirtualClock } from '../../clock/virtual.js';
import { TwinNetwork } from '../../coordination/twin/network.js';
import type { Snapshot } from '../../coordination/twin/store.js';
import type { DeviceSettings } from '../../core/model/device.js';
import { NS_PER_MS } from '../../core/model/units.js';
import { SeededRng } from '../../core/rng.js';
import type { Rng } from '../../core/ports.js';
import { HostWorld } from './host-world.js';
import { planOf, type Plan, type PlannedFault } from './plan.js';
import { BrokenPromise } from './broken-promise.js';
import { Promises } from './promises.js';
import { RandomState } from './random-state.js';
import { SameOrder } from './same-order.js';
import { SharedDisk } from './shared-disk.js';
import { SimHost, type ControlPlane } from './sim-host.js';
import { WatchedStore } from './watched-store.js';

const LOOK_MS = 5;
const CALL_TIMEOUT_US = 50_000;
/** In leases: within the first something of what waits is served, within the second what is left has gone. */
const DRAIN_LEASES = 4;
const REST_LEASES = 20;
export const ACTIVE_MS = 2_400;

export interface SeedResult {
  readonly seed: number;
  /** What was broken; null where nothing was. */
  readonly broken: { readonly promise: string; readonly message: string; readonly atMs: number } | null;
  readonly requests: number;
  readonly calls: number;
  readonly faults: number;
  /** Most requests at the disk beyond its depth. */
  readonly excessMax: number;
  /** Largest part of the order's bound that was used. */
  readonly orderWorst: number;
  /** How often two siblings were compared. */
  readonly orderLooks: number;
  /** Of all that happened, and when. */
  readonly digest: string;
}

export interface RunOptions {
  readonly activeMs?: number;
  /** Told what goes wrong, and when. */
  readonly log?: (line: string) => void;
}

/** @returns the same for the same seed, byte for byte */
export function runSeed(seed: number, options: RunOptions = {}): SeedResult {
  const run = new ClusterRun(seed, options);
  const broken = run.play();
  const { promises, plan } = run;
  return {
    seed,
    broken,
    requests: promises.requests,
    calls: promises.calls,
    faults: plan.faults.length,
    excessMax: promises.excessMax,
    orderWorst: promises.order.worst,
    orderLooks: promises.order.looks,
    digest: promises.digest.toString(16).padStart(8, '0'),
  };
}

class ClusterRun {
  readonly plan: Plan;
  readonly promises: Promises;
  readonly #rng: Rng;
  readonly #world = new VirtualClock(1_700_000_000_000);
  readonly #log: (line: string) => void;
  readonly #control: ControlPlane;
  readonly #store: WatchedStore;
  readonly #network: TwinNetwork;
  readonly #disk: SharedDisk;
  readonly #shares: Map<string, number>;
  /** By place of the plan: who stands there now. */
  readonly #places: SimHost[] = [];
  #numbers = 0;
  #active = 0;
  #flushedNs = -Infinity;
  readonly #snapshots = new Map<PlannedFault, Snapshot>();

  constructor(seed: number, options: RunOptions) {
    const rng = new SeededRng(seed);
    this.#rng = rng;
    this.#log = options.log ?? (() => undefined);
    this.plan = planOf(seed, rng.fork('plan'), options.activeMs ?? ACTIVE_MS);
    this.#shares = new Map(this.plan.shares);
    this.#control = {
      settings: this.plan.settings,
      settingsRevision: 1,
      policyRevision: 1,
      sharesOf: (tag) => ({ shares: this.#shares.get(tag) ?? 100, selfShares: 100 }),
    };
    this.promises = new Promises(this.plan, this.#world, this.#control);
    this.#store = new WatchedStore(this.#world, rng, this.promises);
    this.#network = new TwinNetwork(this.#store, this.#world, rng, CALL_TIMEOUT_US, this.plan.network);
    this.#disk = new SharedDisk(this.#world, rng, this.plan.serviceUs, this.promises);
    this.promises.disk = this.#disk;
    if (this.plan.faults.length === 0) this.promises.cleanSinceNs = -Infinity;
  }

  /** @returns what was broken */
  play(): SeedResult['broken'] {
    const { plan } = this;
    this.#say(
      `${plan.hosts} hosts, ${plan.profile}, ${plan.settings.scheduler} at depth ${plan.settings.depth}, ` +
        `outage ${plan.options.outage}, tags ${plan.tags.map(({ tag }) => `${tag}:${this.#shares.get(tag)}`).join(' ')}`,
    );
    try {
      const apart = new SameOrder(this.#rng.fork('same order')).play();
      if (apart !== '') throw new BrokenPromise('order', apart);
      const differs = new RandomState(this.#rng.fork('random state')).play();
      if (differs !== '') throw new BrokenPromise('state', differs);
      for (let place = 0; place < plan.hosts; place++) this.#start(place);
      for (const fault of plan.faults) this.#schedule(fault);
      this.#runForMs(plan.activeMs);
      this.#end();
      return null;
    } catch (error) {
      const atMs = this.#world.nowNs() / NS_PER_MS;
      if (error instanceof BrokenPromise) return { promise: error.promise, message: error.message, atMs };
      return { promise: 'no defect', message: (error as Error).stack ?? String(error), atMs };
    }
  }

  #say(line: string): void {
    this.#log(`${(this.#world.nowNs() / NS_PER_MS).toFixed(3).padStart(10)} ms  ${line}`);
  }

  #runForMs(ms: number): void {
    for (let at = 0; at < ms; at += LOOK_MS) {
      this.#world.runFor(LOOK_MS * NS_PER_MS);
      this.promises.look();
    }
  }

  #start(place: number): void {
    const { plan } = this;
    const number = this.#numbers++;
    const process = new HostWorld(this.#world, plan.rates[place]!);
    const events = {
      submitted: this.promises.submitted.bind(this.promises),
      answered: this.promises.answered.bind(this.promises),
      mode: (host: SimHost, mode: SimHost['gate']['membership']['mode']) => {
        this.#say(`${host.id} is ${mode}: ${host.gate.membership.reason}`);
        this.promises.mode(host, mode);
      },
    };
    const transport = this.#network.transportOf(`host-${number}`);
    const disk = this.#disk.door(number, process);
    const host = new SimHost(number, plan, process, transport, disk, this.#control, events);
    this.#places[place] = host;
    this.promises.added(host);
    host.start(plan, place, this.#rng, events);
  }

  /**
   * A state that was emptied does not know of hosts before they call, which each does within a fifth of
   * its lease: a host that is new in just that time would be given what they hold (docs/consistency.md).
   */
  #restart(place: number): void {
    const heardNs = this.#flushedNs + (this.plan.options.leaseMs * NS_PER_MS) / 4;
    const waitNs = this.#store.stopped ? LOOK_MS * NS_PER_MS : heardNs - this.#world.nowNs();
    if (waitNs <= 0) this.#start(place);
    else this.#world.after(waitNs, () => this.#restart(place));
  }

  #schedule(planned: PlannedFault): void {
    const { fault, atMs, untilMs } = planned;
    if (fault.kind === 'failover' && fault.ageMs > 0) {
      this.#world.after(Math.max(0, atMs - fault.ageMs) * NS_PER_MS, () => {
        this.#snapshots.set(planned, this.#store.snapshot());
      });
    }
    this.#world.after(atMs * NS_PER_MS, () => {
      this.#active += 1;
      this.promises.cleanSinceNs = Infinity;
      this.#say(`fault: ${JSON.stringify(fault)} until ${untilMs} ms`);
      const end = this.#begin(planned);
      this.#world.after((untilMs - atMs) * NS_PER_MS, () => {
        end();
        this.#active -= 1;
        if (untilMs > atMs) this.#say(`over: ${fault.kind}`);
        if (this.#active === 0) this.promises.cleanSinceNs = this.#world.nowNs();
      });
    });
  }

  /** @returns what ends it */
  #begin(planned: PlannedFault): () => void {
    const { fault } = planned;
    const nothing = (): void => undefined;
    switch (fault.kind) {
      case 'network':
        Object.assign(this.#network.faults, fault.faults);
        return () => Object.assign(this.#network.faults, this.plan.network);
      case 'partition': {
        const { id } = this.#places[fault.host]!;
        this.#network.cutOff(id);
        return () => this.#network.rejoin(id);
      }
      case 'crash': {
        const host = this.#places[fault.host]!;
        if (host.process.state === 'dead') return nothing;
        host.process.die();
        return () => this.#restart(fault.host);
      }
      case 'stop':
      case 'sleep': {
        const { process } = this.#places[fault.host]!;
        process.stop(fault.kind === 'sleep');
        return () => process.goOn();
      }
      case 'wall-jump':
        this.#places[fault.host]!.process.wallJumps(fault.byMs);
        return nothing;
      case 'store-stopped':
        this.#store.stopped = true;
        return () => {
          this.#store.stopped = false;
          // What was emptied meanwhile hears of its hosts from now on.
          if (this.#flushedNs > -Infinity) this.#flushedNs = this.#world.nowNs();
        };
      case 'store-clock':
        this.#store.offsetUs += Math.floor(fault.byMs * 1_000);
        return nothing;
      case 'failover':
        this.#store.failover(this.#snapshots.get(planned) ?? this.#store.snapshot());
        return nothing;
      case 'flush-all':
        this.#store.flushAll();
        this.#flushedNs = this.#world.nowNs();
        return nothing;
      case 'shares':
        this.promises.changing();
        this.#shares.set(fault.tag, fault.shares);
        this.#control.policyRevision += 1;
        for (const host of this.#alive()) host.process.run(() => host.dispatcher.sharesChanged(fault.tag));
        return nothing;
      case 'settings':
        this.promises.changing();
        this.#control.settings = fault.settings;
        this.#control.settingsRevision += 1;
        this.#configureAll(fault.settings);
        return nothing;
    }
  }

  #configureAll(settings: DeviceSettings): void {
    const { settingsRevision } = this.#control;
    for (const host of this.#alive()) host.process.run(() => host.configure(settings, settingsRevision));
  }

  #alive(): SimHost[] {
    return this.#places.filter((host) => host.process.state !== 'dead');
  }

  /** Nothing new comes; what waits is served, and then nothing is left of anything. */
  #end(): void {
    const { leaseMs } = this.plan.options;
    this.#say('applications end');
    for (const host of this.#alive()) host.ending = true;
    // A depth that was lowered serves long queues slowly: as long as something is served it goes on.
    for (let served = -1; served < this.promises.served && !this.promises.allAnswered;) {
      served = this.promises.served;
      this.#runForMs(DRAIN_LEASES * leaseMs);
    }
    this.#say('all is answered');
    this.#runForMs(REST_LEASES * leaseMs);
    this.promises.checkEnd(this.#store);
    for (const host of this.#alive()) host.dispatcher.close();
    this.#world.runFor(CALL_TIMEOUT_US * 2_000);
    const left = this.#store.state('disk0')!.meta.hosts.map(({ id }) => id);
    if (left.length > 0 && this.plan.network.loss === 0) {
      throw new BrokenPromise('nothing left', `${left.join()} left, and the state still knows them`);
    }
  }
}
