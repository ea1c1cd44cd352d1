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
 * Invariant: a request without a grant is still in its flow, so that nothing queued is lost with an
 * epoch, whatever ends it. What is sent, and by what right: sending.ts.
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
import { BY_GRANT, Sending } from './sending.js';

/** A heartbeat comes when the last call is older than this part of the lease; with a tick more, under a fifth. */
const HEARTBEAT_PART = 1 / 7;
/** Leases that a row stays quiet before it is forgotten. */
const QUIET_LEASES = 4;

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
  readonly #sending: Sending;
  readonly #leaseNs: number;
  #settings: DeviceSettings;
  #refuse: RefusalHandler | null = null;
  #stopNudges: (() => void) | null = null;

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
    this.#sending = new Sending({
      clock,
      rows: this.#rows,
      passed: this.#passed,
      membership: this.membership,
      cadence: this.#cadence,
    });
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
      sending: this.#sending,
      settings: () => this.#settings,
      settingsRevision,
      listener: this,
    });
  }

  get outstanding(): number {
    return this.#sending.outstanding;
  }

  /** Slots of the advance that are not in use. */
  get advanceIdle(): number {
    return this.#sending.advanceIdle;
  }

  get counters(): ExchangeCounters {
    const { calls, unanswered, joins } = this.#conversation;
    const { standstills, clockJumps } = this.membership;
    return { calls, unanswered, joins, ...this.#sending.counted, standstills, clockJumps };
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
    this.#sending.onGranted(handler);
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
      this.#sending.order?.arrived(flow, request, nowNs);
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
    this.#sending.pump(nowNs);
    // A long backlog that the state knows of may grow untold: it lasts until the next call anyway.
    if (flow.backlog > 0 && this.#rows.toldBacklog[row]! <= HEAD_COSTS_MAX) this.#cadence.soon();
    else this.#cadence.later();
  }

  cancelled(flow: FlowView, request: GatedRequest): void {
    const row = flow.gateIndex;
    this.#sending.order?.cancelled(flow, request, this.#clock.nowNs());
    if (flow.head !== null) this.#passed.headCame(flow);
    this.#release(flow);
    this.#rows.touch(row);
    this.#cadence.later();
  }

  finished(flow: FlowView, request: GatedRequest, _atNs: number, latencyNs: number): void {
    const nowNs = this.#clock.nowNs();
    this.#sending.order?.finished(flow, request, latencyNs, nowNs);
    this.#left(flow, request);
    this.#sending.pump(nowNs);
  }

  handBack(flow: FlowView, request: GatedRequest): void {
    const nowNs = this.#clock.nowNs();
    this.#sending.order?.handBack(flow, request, nowNs);
    this.#rows.cost[flow.gateIndex]! -= request.cost;
    this.#left(flow, request);
    this.#sending.pump(nowNs);
  }

  sharesChanged(tag: string): void {
    this.#sending.order?.sharesChanged(tag, this.#clock.nowNs());
    this.#nodes.changed(tag);
    this.#cadence.soon();
  }

  configure(settings: DeviceSettings): void {
    this.#settings = settings;
    if (this.#sending.order !== null) this.#takeOrder();
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

  #left(flow: FlowView, request: GatedRequest): void {
    const row = flow.gateIndex;
    const kept = this.#sending.left(row, request);
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

  // What answers bring.

  rowRefused(row: number, code: ErrorCode, message: string): void {
    const flow = this.#rows.flows[row];
    if (flow !== undefined) this.#refuse!(flow, code, message);
    this.#rows.refused(row);
  }

  answered(othersToo: boolean, nowNs: number): void {
    if (othersToo) this.#passed.by(nowNs);
    this.#rows.forgetQuiet(nowNs - QUIET_LEASES * this.#leaseNs);
    this.#sending.pump(nowNs);
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
        this.#sending.order = null;
        this.refuseAll(this.membership.refusal!.code, this.membership.refusal!.message);
        break;
      case 'joining':
      case 'coordinated':
      case 'closed':
        this.#sending.order = null;
        break;
    }
    this.#parts.onMode?.(mode, was);
    this.#sending.pump(this.#clock.nowNs());
  }

  refuseAll(code: ErrorCode, message: string): void {
    for (const flow of this.#rows.waiting()) this.#refuse!(flow, code, message);
  }

  callNeeded(): void {
    this.#cadence.soon();
  }

  ticked(nowNs: number): void {
    this.#rows.forgetQuiet(nowNs - QUIET_LEASES * this.#leaseNs);
    if (nowNs - this.#cadence.sentNs >= this.#leaseNs * HEARTBEAT_PART) this.#cadence.soon();
    this.#sending.pump(nowNs);
  }

  /** From here on the order is this host's own: what waits joins it, oldest first. */
  #takeOrder(): void {
    const order = new OutageOrder(this.#sending.newMark(), this.#settings, this.#parts.sharesOf);
    const full = order.takeAll(this.#rows.waiting(), this.#clock.nowNs());
    this.#sending.order = order;
    for (const [flow, { code, message }] of full) this.#refuse!(flow, code, message);
  }
}
