/**
 * What must hold of many hosts, checked as it happens. Truth is what the disk and the applications
 * see; what the shared state believes of itself is checked apart (check-state).
 *
 *   slots    requests at the disk that count <= depth. Not counted: those of hosts whose lease has
 *            ended, those that a host held over into a new epoch, those sent on an outage quota.
 *            All together <= 2 x depth.
 *   order    completed cost over shares of what has work waiting (order-watch)
 *   once     every accepted request of a host that lives is answered once
 *   light    under light load nothing waits
 *   work     where requests wait, nearly all slots come to be used (work-watch)
 *   quota    outage quotas of hosts with a lease sum to the depth at most
 *   normal   all hosts are back in step by themselves, and none rejoins without a reason
 */
import type { DeviceState } from '../../coordination/twin/records.js';
import type { TwinStore } from '../../coordination/twin/store.js';
import { checkState } from '../../coordination/twin/check-state.js';
import type { CoordinationMode } from '../../coordination/exchange/modes.js';
import type { ExchangeCall, ExchangeReply } from '../../coordination/exchange/protocol.js';
import type { VirtualClock } from '../../clock/virtual.js';
import type { DeviceIo } from '../../core/model/request.js';
import { NS_PER_MS, NS_PER_US } from '../../core/model/units.js';
import { PendingIo } from '../../core/pending-io.js';
import { BrokenPromise } from './broken-promise.js';
import { leftIn } from './nothing-left.js';
import { OrderWatch } from './order-watch.js';
import type { Plan } from './plan.js';
import type { DiskWatch, SharedDisk } from './shared-disk.js';
import type { Reference } from './reference/records.js';
import { WorkWatch } from './work-watch.js';
import { DEVICE, type ControlPlane, type HostEvents, type SimHost } from './sim-host.js';

/** The state is looked at closely after every so many calls. */
const CLOSE_LOOK = 64;
/** And at what has ended of each tag, in comparison. */
const ORDER_LOOK = 4;
/** So long without faults, in leases, and all is as if there had been none. */
const CALM_LEASES = 2;
/** So long no host may have had more than its part before a load is light. */
const LIGHT_NS = 400 * NS_PER_MS;

interface HostTruth {
  host: SimHost;
  leaseEndNs: number;
  joins: number;
  /** Grants that the state says it made, and those of this host, at its last answer. */
  grantsMade: number;
  /** The server that gave it. */
  server: string;
  /** Requests that the applications wait for; whether each has to go at once. */
  readonly open: Map<PendingIo, boolean>;
  served: number;
  /** It had no advance before its last call and got none: all that it sent so is told. */
  withoutAdvance: boolean;
}

export class Promises implements DiskWatch, HostEvents {
  /** Most requests at the disk beyond the depth at a time. */
  excessMax = 0;
  requests = 0;
  calls = 0;
  digest = 0x811c9dc5;
  /** From when on nothing is wrong; Infinity while something is. */
  cleanSinceNs = 0;
  disk: SharedDisk | null = null;
  readonly order: OrderWatch;
  readonly #work: WorkWatch;
  readonly #plan: Plan;
  readonly #world: VirtualClock;
  readonly #control: ControlPlane;
  readonly #hosts: (HostTruth | undefined)[] = [];
  readonly #leaseNs: number;
  /** What the depth was lately. */
  #stateDepth: number;
  #depthMax = 0;
  #depths: { depth: number; untilNs: number }[] = [];
  #lastBusyNs = 0;

  constructor(plan: Plan, world: VirtualClock, control: ControlPlane) {
    this.#plan = plan;
    this.#world = world;
    this.#control = control;
    this.#leaseNs = plan.options.leaseMs * NS_PER_MS;
    this.#stateDepth = plan.settings.depth;
    this.order = new OrderWatch(plan.costMax);
    this.#work = new WorkWatch(plan);
  }

  added(host: SimHost): void {
    this.#hosts[host.number] = {
      host,
      leaseEndNs: 0,
      joins: 0,
      grantsMade: 0,
      server: '',
      open: new Map(),
      served: 0,
      withoutAdvance: true,
    };
  }

  /** Shares or settings change. */
  changing(): void {
    this.order.reset();
  }

  /** The state's own; for a lease after a change the higher one, as both may be in use. */
  get #depth(): number {
    const nowNs = this.#world.nowNs();
    let depth = this.#stateDepth;
    for (const was of this.#depths) if (was.untilNs >= nowNs && was.depth > depth) depth = was.depth;
    return depth;
  }

  get #cleanNs(): number {
    return this.#world.nowNs() - this.cleanSinceNs;
  }

  get #isCalm(): boolean {
    return this.#cleanNs > CALM_LEASES * this.#leaseNs;
  }

  // The disk.

  reached(number: number): boolean {
    const truth = this.#hosts[number]!;
    const { mode } = truth.host.gate.membership;
    const onQuota = mode === 'outage-continue' || mode === 'settling';
    const { disk } = this;
    const depth = this.#depth;
    this.#note(1, number);
    if (truth.host.process.state !== 'runs')
      throw new BrokenPromise('slots', `${truth.host.id} sends though it does not run`);
    this.#work.reached(disk!.at.size, this.#control.settings.depth);
    this.excessMax = Math.max(this.excessMax, disk!.at.size - depth);
    // A host that is cut off has the quota of the depth that it knew.
    this.#depthMax = Math.max(this.#depthMax, depth);
    if (disk!.at.size > 2 * this.#depthMax) {
      throw new BrokenPromise('slots', `${disk!.at.size} requests at a disk of depth ${depth}: more than twice`);
    }
    if (!onQuota) this.#checkSlots(depth, truth.host.id);
    return onQuota;
  }

  #checkSlots(depth: number, by: string): void {
    const nowNs = this.#world.nowNs();
    let counted = 0;
    for (const { host, excused } of this.disk!.at) {
      if (!excused && this.#hosts[host]!.leaseEndNs > nowNs) counted += 1;
    }
    for (const truth of this.#hosts) {
      if (truth === undefined || truth.leaseEndNs <= nowNs || truth.host.process.state === 'dead') continue;
      if (truth.host.gate.membership.mayGrant(truth.host.process.nowNs())) counted += truth.host.gate.advanceIdle;
    }
    if (counted > depth) {
      throw new BrokenPromise('slots', `${counted} slots in use or in advance with ${by}'s request, at depth ${depth}`);
    }
  }

  ended(number: number, io: DeviceIo): void {
    this.#note(2, number);
    if (io instanceof PendingIo) this.order.ended(io.flow!.tag, io.cost);
  }

  // The applications.

  submitted(host: SimHost, io: PendingIo): void {
    this.requests += 1;
    const nowNs = this.#world.nowNs();
    const truth = this.#hosts[host.number]!;
    const { depth } = this.#control.settings;
    let alive = 0;
    for (const each of this.#hosts) if (each !== undefined && each.leaseEndNs > nowNs) alive += 1;
    // More than its part of half the depth on one host, and slots are asked for.
    if (truth.open.size + 1 > depth / (2 * alive)) this.#lastBusyNs = nowNs;
    const light =
      this.#isCalm &&
      nowNs - this.#lastBusyNs > LIGHT_NS &&
      truth.open.size === 0 &&
      this.disk!.counts[host.number] === 0;
    truth.open.set(io, light);
  }

  answered(host: SimHost, io: PendingIo, tag: string): void {
    const truth = this.#hosts[host.number]!;
    const light = truth.open.get(io);
    this.#note(3, host.number);
    if (light === undefined)
      throw new BrokenPromise('once', `a request of ${tag} on ${host.id} is answered again (${io.code})`);
    truth.open.delete(io);
    if (io.code === 'OK') truth.served += 1;
    if (light && io.code === 'OK' && io.queueNs > 0) {
      const us = io.queueNs / NS_PER_US;
      throw new BrokenPromise('light', `a request of ${tag} on ${host.id} waited ${us} us under light load`);
    }
  }

  mode(host: SimHost, mode: CoordinationMode): void {
    this.#note(4 + mode.length, host.number);
  }

  // The store.

  taken(call: ExchangeCall, reply: ExchangeReply, state: DeviceState | null, reference: Reference | null): void {
    this.calls += 1;
    const number = Number(call.host.slice('host-'.length));
    const truth = this.#hosts[number]!;
    this.#note(100 + reply.granted.length, number);
    if (reply.status === 'ok' && call.kind !== 'leave') {
      truth.leaseEndNs = this.#world.nowNs() + this.#leaseNs;
      if (call.kind === 'join') this.#joined(truth, call);
      this.#checkGrantsMade(truth, call, reply);
      truth.withoutAdvance = call.advance === 0 && reply.advance === 0;
    }
    if (reply.status === 'refused') throw new BrokenPromise('normal', `${call.host} is refused: ${reply.message}`);
    const depth = state?.meta.settings.depth ?? this.#stateDepth;
    if (depth !== this.#stateDepth) {
      this.#depths.push({ depth: this.#stateDepth, untilNs: this.#world.nowNs() + this.#leaseNs });
      this.#stateDepth = depth;
    }
    if (this.calls % CLOSE_LOOK === 0 && state !== null) {
      try {
        checkState(state);
      } catch (error) {
        throw new BrokenPromise('state', (error as Error).message);
      }
    }
    this.#checkQuotas();
    if (this.calls % ORDER_LOOK === 0 && reference !== null) this.#checkOrder(reference);
  }

  #checkOrder(reference: Reference): void {
    const asked = this.#alive().every(
      ({ host, withoutAdvance }) => withoutAdvance && host.gate.membership.mode === 'coordinated',
    );
    if (!asked || !this.#isCalm) {
      this.order.reset();
      return;
    }
    const broken = this.order.look(reference, this.#depth);
    if (broken !== '') throw new BrokenPromise('order', broken);
  }

  /** Of all grants that were made since, this host's own are a part. */
  #checkGrantsMade(truth: HostTruth, call: ExchangeCall, reply: ExchangeReply): void {
    let own = 0;
    for (const { granted } of reply.granted) own += granted > 0 ? 1 : 0;
    // Another server may have gone back in time.
    const since = call.kind === 'join' || reply.server !== truth.server ? 0 : truth.grantsMade;
    const made = reply.grantsMade - since;
    truth.grantsMade = reply.grantsMade;
    truth.server = reply.server;
    if (made < 0 || (own > 0 && reply.grantsMade === 0)) {
      throw new BrokenPromise(
        'state',
        `${truth.host.id} is told of ${own} rows granted to and ${reply.grantsMade} grants in all`,
      );
    }
  }

  #joined(truth: HostTruth, call: ExchangeCall): void {
    // Copies of a call may come late: only the first of a number tells of a rejoin.
    if (call.n <= truth.joins) return;
    truth.joins = call.n;
    this.disk!.excuse(truth.host.number);
    this.order.reset();
    if (call.epoch > 1 && this.#isCalm && this.#plan.network.loss === 0) {
      throw new BrokenPromise(
        'normal',
        `${truth.host.id} rejoined (${truth.host.gate.membership.reason}) without a fault`,
      );
    }
  }

  #checkQuotas(): void {
    const nowNs = this.#world.nowNs();
    let sum = 0;
    for (const truth of this.#hosts) {
      // A host that comes back has its old quota until it is told the new one: that one is not counted.
      if (truth === undefined || truth.leaseEndNs <= nowNs || truth.host.process.state === 'dead') continue;
      const { mode, epoch } = truth.host.gate.membership;
      if (mode === 'coordinated') sum += epoch.outageQuota;
    }
    const depth = this.#depth;
    if (sum > depth)
      throw new BrokenPromise('quota', `outage quotas of hosts with a lease sum to ${sum}, at depth ${depth}`);
  }

  // Looks.

  /** Every few milliseconds. */
  look(): void {
    const nowNs = this.#world.nowNs();
    if (!this.#isCalm) {
      this.#lastBusyNs = nowNs;
      this.#work.reset();
      this.order.reset();
      return;
    }
    for (const truth of this.#alive()) {
      const { mode, reason } = truth.host.gate.membership;
      // Four messages lost in a row are an outage like any other.
      if (mode !== 'coordinated' && this.#plan.network.loss > 0) {
        this.#work.reset();
        return;
      }
      if (mode !== 'coordinated') throw new BrokenPromise('normal', `${truth.host.id} is still ${mode} (${reason})`);
    }
    const idle = this.#work.look(this.disk!.at.size, this.#control.settings.depth, this.#waiting(), nowNs);
    if (idle !== '') throw new BrokenPromise('work', idle);
  }

  #waiting(): number {
    let waiting = 0;
    for (const { open } of this.#alive()) for (const io of open.keys()) if (io.state === 'queued') waiting += 1;
    return waiting;
  }

  #alive(): HostTruth[] {
    return this.#hosts.filter((truth) => truth !== undefined && truth.host.process.state !== 'dead') as HostTruth[];
  }

  /** Whether every host that lives has answered all. */
  get allAnswered(): boolean {
    return this.#alive().every(({ open }) => open.size === 0);
  }

  /** Requests served so far. */
  get served(): number {
    return this.#hosts.reduce((sum, truth) => sum + (truth?.served ?? 0), 0);
  }

  /** All is over, and long enough. */
  checkEnd(store: TwinStore): void {
    for (const { host, open, served } of this.#alive()) {
      if (open.size > 0) throw new BrokenPromise('once', `${open.size} requests of ${host.id} are never answered`);
      const counted = host.ledger.totals().reduce((sum, op) => sum + op.count, 0);
      if (counted !== served) throw new BrokenPromise('usage', `${host.id} served ${served} and counted ${counted}`);
    }
    const left = leftIn(
      store.state(DEVICE)!,
      this.#alive().map(({ host }) => host.id),
    );
    if (left !== '') throw new BrokenPromise('nothing left', left);
  }

  #note(event: number, host: number): void {
    let hash = this.digest ^ event;
    hash = Math.imul(hash, 0x01000193) ^ host;
    hash = Math.imul(hash, 0x01000193) ^ (this.#world.nowNs() % 2 ** 31);
    this.digest = Math.imul(hash, 0x01000193) >>> 0;
  }
}
