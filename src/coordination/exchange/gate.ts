/**
 * The gate of a device that many hosts share: the order and the slots are in the shared state, this is
 * one host's end of it.
 *
 *   arrived ──▶ advance slot idle? ──yes──▶ granted at once, told later
 *                     │no
 *                     ▼
 *              row is dirty ──▶ exchange (one in flight) ──▶ totals ──▶ new = total - seen ──▶ granted
 *                                                                                      └─ no head: handed back
 *
 * Invariants: a grant is used or handed back in the moment in which it comes; nothing is granted
 * without a look at the lease in the same moment; a request without a grant is still in its flow, so
 * that nothing queued is lost with an epoch, whatever ends it. What is at the device when an epoch
 * begins is stated as `advanced`: it holds slots, whoever gave them.
 */
import { NS_PER_MS } from '../../core/model/units.js';
import { SluiceError, type ErrorCode } from '../../core/model/errors.js';
import type { DeviceSettings } from '../../core/model/device.js';
import type {
  Clock,
  FlowView,
  Gate,
  GatedRequest,
  GrantHandler,
  Logger,
  RefusalHandler,
  SharesOf,
} from '../../core/ports.js';
import { Cadence } from './cadence.js';
import { Conversation, type Listener } from './conversation.js';
import { Membership, type MembershipOwner } from './membership.js';
import type { CoordinationMode } from './modes.js';
import { NodeNews } from './node-news.js';
import type { CoordinationOptions } from './options.js';
import { OutageOrder } from './outage-order.js';
import { PassedOver } from './passed-over.js';
import { HEAD_COSTS_MAX, type ExchangeTransport } from './protocol.js';
import { RowTable } from './row-table.js';

/** A heartbeat comes when the last call is older than this part of the lease; with a tick more, under a fifth. */
const HEARTBEAT_PART = 1 / 7;
/** Leases that a row stays quiet before it is forgotten. */
const QUIET_LEASES = 4;
/** Mark of a request that was granted by the state. */
const BY_GRANT = 0;

export interface ExchangeGateParts {
  readonly device: string;
  /** Unique to the life of this process. */
  readonly host: string;
  readonly clock: Clock;
  readonly transport: ExchangeTransport;
  readonly logger: Logger;
  readonly settings: DeviceSettings;
  readonly sharesOf: SharesOf;
  /** Revisions of the policies in force here, and of the device's settings. */
  readonly policyRevision: () => number;
  readonly settingsRevision: () => number;
  readonly options: CoordinationOptions;
  /** Told of each change, for readiness and metrics; the log has been told. */
  readonly onMode?: (mode: CoordinationMode, was: CoordinationMode) => void;
}

/** Counted since the gate was made. */
export interface ExchangeCounters {
  calls: number;
  unanswered: number;
  joins: number;
  /** Requests sent: by grants of the state, on the advance, on the outage quota. */
  granted: number;
  advanced: number;
  onQuota: number;
  /** Grants that found nothing waiting, or no lease any more. */
  handedBack: number;
  standstills: number;
  clockJumps: number;
}

export class ExchangeGate implements Gate, Listener, MembershipOwner {
  readonly membership: Membership;
  readonly #parts: ExchangeGateParts;
  readonly #clock: Clock;
  readonly #rows = new RowTable();
  readonly #nodes: NodeNews;
  readonly #passed = new PassedOver();
  readonly #cadence: Cadence;
  readonly #conversation: Conversation;
  readonly #leaseNs: number;
  #settings: DeviceSettings;
  #grant: GrantHandler | null = null;
  #refuse: RefusalHandler | null = null;
  #stopNudges: (() => void) | null = null;
  #outstanding = 0;
  #pumping = false;
  /** Set while this host runs on its outage quota. */
  #order: OutageOrder | null = null;
  /** Marks tell apart by what right requests were sent; they never repeat. */
  #marks = BY_GRANT;
  /** Requests sent on the advance of the present epoch carry it. */
  #advanceMark = ++this.#marks;
  #advanceUsed = 0;
  #grantsUsed = 0;
  #advancesUsed = 0;
  #quotaUsed = 0;
  #handedBack = 0;

  constructor(parts: ExchangeGateParts) {
    const { clock, options, device, host, logger, transport, settingsRevision } = parts;
    this.#parts = parts;
    this.#clock = clock;
    this.#settings = parts.settings;
    this.#leaseNs = options.leaseMs * NS_PER_MS;
    this.#nodes = new NodeNews(parts.sharesOf, parts.policyRevision);
    this.membership = new Membership(clock, logger, { device, host }, options, this);
    const retryMaxNs = this.#leaseNs * HEARTBEAT_PART;
    this.#cadence = new Cadence(clock, options.reportMs * NS_PER_MS, retryMaxNs, () => this.#conversation.call());
    this.#conversation = new Conversation({
      device,
      host,
      leaseMs: options.leaseMs,
      clock,
      transport,
      rows: this.#rows,
      nodes: this.#nodes,
      membership: this.membership,
      cadence: this.#cadence,
      settings: () => this.#settings,
      settingsRevision,
      listener: this,
    });
  }

  get outstanding(): number {
    return this.#outstanding;
  }

  get counters(): ExchangeCounters {
    const { calls, unanswered, joins } = this.#conversation;
    const { standstills, clockJumps } = this.membership;
    return {
      calls,
      unanswered,
      joins,
      granted: this.#grantsUsed,
      advanced: this.#advancesUsed,
      onQuota: this.#quotaUsed,
      handedBack: this.#handedBack,
      standstills,
      clockJumps,
    };
  }

  /** Rows that the state may know of this host. */
  get rows(): number {
    return this.#rows.size;
  }

  onRefused(handler: RefusalHandler): void {
    this.#refuse = handler;
  }

  onGranted(handler: GrantHandler): void {
    const { transport, device, host } = this.#parts;
    this.#grant = handler;
    this.#stopNudges = transport.onNudge(device, host, () => this.#cadence.soon());
    this.membership.start();
    this.#cadence.soon();
  }

  // What requests do.

  arrived(flow: FlowView, request: GatedRequest): void {
    const { refusal } = this.membership;
    if (refusal !== null) throw new SluiceError(refusal.code, refusal.message);
    const nowNs = this.#clock.nowNs();
    const opens = flow.gateHeld === 0;
    request.gateEpoch = BY_GRANT;
    if (opens) flow.gateIndex = this.#rows.open(flow);
    const row = flow.gateIndex;
    try {
      this.#order?.arrived(flow, request, nowNs);
    } catch (error) {
      if (opens) this.#letGo(row);
      throw error;
    }
    flow.gateHeld += 1;
    if (flow.backlog === 1) {
      this.#passed.headCame(flow);
      this.#rows.waitsSince(row, request.arrivedNs);
    }
    this.#rows.enring(row);
    this.#rows.touch(row);
    this.#pump(nowNs);
    // A long backlog that the state knows of may grow untold: it lasts until the next call anyway.
    if (flow.backlog > 0 && this.#rows.toldBacklog[row]! <= HEAD_COSTS_MAX) this.#cadence.soon();
    else this.#cadence.later();
  }

  cancelled(flow: FlowView, request: GatedRequest): void {
    const row = flow.gateIndex;
    this.#order?.cancelled(flow, request, this.#clock.nowNs());
    if (flow.head !== null) this.#passed.headCame(flow);
    this.#release(flow);
    this.#rows.touch(row);
    this.#cadence.later();
  }

  finished(flow: FlowView, request: GatedRequest, _atNs: number, latencyNs: number): void {
    const nowNs = this.#clock.nowNs();
    this.#order?.finished(flow, request, latencyNs, nowNs);
    this.#left(flow, request);
    this.#pump(nowNs);
  }

  handBack(flow: FlowView, request: GatedRequest): void {
    const nowNs = this.#clock.nowNs();
    this.#order?.handBack(flow, request, nowNs);
    this.#rows.cost[flow.gateIndex]! -= request.cost;
    this.#left(flow, request);
    this.#pump(nowNs);
  }

  sharesChanged(tag: string): void {
    this.#order?.sharesChanged(tag, this.#clock.nowNs());
    this.#nodes.changed(tag);
    this.#cadence.soon();
  }

  configure(settings: DeviceSettings): void {
    this.#settings = settings;
    if (this.#order !== null) this.#takeOrder();
    this.#cadence.soon();
  }

  /** Ends the epoch with one last call: what this host held is free at once. */
  close(): void {
    if (this.membership.mode === 'closed') return;
    this.#stopNudges?.();
    this.#cadence.close();
    this.#conversation.leave();
    this.membership.close();
  }

  /** A request has left the device, or never went: its slot is the advance's again, or free for all. */
  #left(flow: FlowView, request: GatedRequest): void {
    const row = flow.gateIndex;
    this.#outstanding -= 1;
    this.#rows.atDevice[row]! -= 1;
    this.#rows.finished[row]! += 1;
    let kept = false;
    if (request.gateEpoch === this.#advanceMark) {
      this.#advanceUsed -= 1;
      kept = this.#advanceUsed < this.membership.epoch.advance;
    }
    this.#release(flow);
    this.#rows.touch(row);
    if (kept) this.#cadence.later();
    else this.#cadence.soon();
  }

  #release(flow: FlowView): void {
    flow.gateHeld -= 1;
    if (flow.gateHeld === 0) this.#letGo(flow.gateIndex);
  }

  #letGo(row: number): void {
    this.#rows.flows[row] = undefined;
    this.#rows.touch(row);
  }

  /** Sends the oldest request of the row's flow. */
  #send(row: number, flow: FlowView, mark: number, nowNs: number, coordinationNs: number): void {
    const rows = this.#rows;
    const head = flow.head!;
    head.gateEpoch = mark;
    rows.atDevice[row]! += 1;
    rows.cost[row]! += head.cost;
    rows.touch(row);
    this.#outstanding += 1;
    this.#passed.by(nowNs);
    this.#grant!(flow, nowNs, coordinationNs);
    if (flow.head === null) return;
    this.#passed.headCame(flow);
    rows.enring(row);
  }

  /**
   * Sends what may go without asking: on the advance, or on the outage quota. A device that
   * completes inside submit brings us back here: that call returns at once and this loop goes on.
   */
  #pump(nowNs: number): void {
    if (this.#pumping || this.#rows.ringIsEmpty) return;
    this.#pumping = true;
    try {
      let now = nowNs;
      while (this.#order === null ? this.#sendOnAdvance(now) : this.#sendOnQuota(now, this.#order)) {
        now = this.#clock.nowNs();
      }
    } finally {
      this.#pumping = false;
    }
  }

  #sendOnAdvance(nowNs: number): boolean {
    if (this.advanceIdle() === 0 || !this.membership.mayGrant(nowNs)) return false;
    const row = this.#rows.takeRinged();
    if (row < 0) return false;
    this.#advanceUsed += 1;
    this.#advancesUsed += 1;
    this.#rows.advanced[row]! += 1;
    this.#send(row, this.#rows.flows[row]!, this.#advanceMark, nowNs, 0);
    return true;
  }

  #sendOnQuota(nowNs: number, order: OutageOrder): boolean {
    if (this.#outstanding >= this.membership.epoch.outageQuota || !this.membership.mayUseQuota(nowNs)) return false;
    const flow = order.next(nowNs);
    if (flow === null) return false;
    this.#quotaUsed += 1;
    this.#rows.advanced[flow.gateIndex]! += 1;
    this.#send(flow.gateIndex, flow, order.mark, nowNs, 0);
    return true;
  }

  // What answers bring.

  restated(): void {
    this.#advanceMark = ++this.#marks;
    this.#advanceUsed = 0;
  }

  advanceIdle(): number {
    return Math.max(0, this.membership.epoch.advance - this.#advanceUsed);
  }

  granted(row: number, total: number, n: number, sentNs: number): number {
    const rows = this.#rows;
    const fresh = total - rows.used[row]! - rows.handedBack[row]!;
    // Grants first: what they free of the backlog need not go on the advance.
    this.#pumping = true;
    try {
      for (let i = 0; i < fresh; i++) {
        const nowNs = this.#clock.nowNs();
        const flow = rows.flows[row];
        if (flow?.head == null || !this.membership.mayGrant(nowNs)) {
          this.#handBackUnused(row, fresh - i);
          break;
        }
        rows.used[row]! += 1;
        this.#grantsUsed += 1;
        const sinceNs = rows.toldByCall[row] === n ? rows.untoldSinceNs[row]! : sentNs;
        this.#send(row, flow, BY_GRANT, nowNs, nowNs - sinceNs);
      }
    } finally {
      this.#pumping = false;
    }
    return Math.max(0, fresh);
  }

  #handBackUnused(row: number, count: number): void {
    this.#rows.handedBack[row]! += count;
    this.#rows.touch(row);
    this.#handedBack += count;
    this.#cadence.soon();
  }

  rowRefused(row: number, code: ErrorCode, message: string): void {
    const flow = this.#rows.flows[row];
    if (flow !== undefined) this.#refuse!(flow, code, message);
    this.#rows.refused(row);
  }

  answered(othersToo: boolean, nowNs: number): void {
    if (othersToo) this.#passed.by(nowNs);
    this.#rows.forgetQuiet(nowNs - QUIET_LEASES * this.#leaseNs);
    this.#pump(nowNs);
  }

  // What this host notices of itself.

  modeChanged(mode: CoordinationMode, was: CoordinationMode): void {
    switch (mode) {
      case 'outage-continue':
      case 'settling':
        this.#takeOrder();
        break;
      case 'outage-reject':
      case 'refused':
        this.#order = null;
        this.refuseAll(this.membership.refusal!.code, this.membership.refusal!.message);
        break;
      case 'joining':
      case 'coordinated':
      case 'closed':
        this.#order = null;
        break;
    }
    this.#parts.onMode?.(mode, was);
    this.#pump(this.#clock.nowNs());
  }

  refuseAll(code: ErrorCode, message: string): void {
    const flows = this.#rows.waiting().map((row) => this.#rows.flows[row]!);
    for (const flow of flows) this.#refuse!(flow, code, message);
  }

  callNeeded(): void {
    this.#cadence.soon();
  }

  ticked(nowNs: number): void {
    this.#rows.forgetQuiet(nowNs - QUIET_LEASES * this.#leaseNs);
    if (nowNs - this.#cadence.sentNs >= this.#leaseNs * HEARTBEAT_PART) this.#cadence.soon();
    this.#pump(nowNs);
  }

  /** From here on the order is this host's own: what waits joins it, oldest first. */
  #takeOrder(): void {
    const nowNs = this.#clock.nowNs();
    const order = new OutageOrder(++this.#marks, this.#settings, this.#parts.sharesOf);
    const waiting: { flow: FlowView; request: GatedRequest }[] = [];
    for (const row of this.#rows.waiting()) {
      const flow = this.#rows.flows[row]!;
      for (const request of flow.queued()) waiting.push({ flow, request });
    }
    waiting.sort((a, b) => a.request.sequence - b.request.sequence);
    const full = new Map<FlowView, SluiceError>();
    for (const { flow, request } of waiting) {
      try {
        if (!full.has(flow)) order.arrived(flow, request, nowNs);
      } catch (error) {
        full.set(flow, SluiceError.from(error));
      }
    }
    this.#order = order;
    for (const [flow, { code, message }] of full) this.#refuse!(flow, code, message);
  }
}
