/**
 * What one host sends to the device, and by what right. Each request carries its right's mark, so that its slot
 * goes back there when it ends.
 *
 *   grant     the state gave it to a row; a request carries BY_GRANT from its arrival on
 *   advance   a slot of the advance is idle: sent without asking, told afterwards
 *   quota     the store is away: in this host's own order, within its outage quota
 *
 * Invariants: nothing is sent without a look at the lease in the same moment; a grant is used or handed back in
 * the moment in which it comes. What is at the device when an epoch begins is stated as `advanced`: it holds slots,
 * whoever gave them, and no slot of the new epoch's advance.
 */
import type { Clock, FlowView, GatedRequest, GrantHandler } from '../../core/ports.js';
import type { Cadence } from './cadence.js';
import type { Membership } from './membership.js';
import type { OutageOrder } from './outage-order.js';
import type { PassedOver } from './passed-over.js';
import type { RowTable } from './row-table.js';

/** Mark of a request that waits for a grant of the state, or was sent by one. */
export const BY_GRANT = 0;

export interface SendingParts {
  readonly clock: Clock;
  readonly rows: RowTable;
  readonly passed: PassedOver;
  readonly membership: Membership;
  readonly cadence: Cadence;
}

export class Sending {
  /** Set while this host runs on its outage quota. */
  order: OutageOrder | null = null;
  /** Requests at the device. */
  outstanding = 0;
  /** Requests sent so far by each right, and grants that found nothing waiting, or no lease any more. */
  readonly counted = { granted: 0, advanced: 0, onQuota: 0, handedBack: 0 };
  readonly #clock: Clock;
  readonly #rows: RowTable;
  readonly #passed: PassedOver;
  readonly #membership: Membership;
  readonly #cadence: Cadence;
  #grant: GrantHandler | null = null;
  #pumping = false;
  /** They never repeat. */
  #marks = BY_GRANT;
  /** Requests sent on the advance of the present epoch carry it. */
  #advanceMark = ++this.#marks;
  #advanceUsed = 0;

  constructor({ clock, rows, passed, membership, cadence }: SendingParts) {
    this.#clock = clock;
    this.#rows = rows;
    this.#passed = passed;
    this.#membership = membership;
    this.#cadence = cadence;
  }

  /** Slots of the advance that are not in use. */
  get advanceIdle(): number {
    return Math.max(0, this.#membership.epoch.advance - this.#advanceUsed);
  }

  onGranted(handler: GrantHandler): void {
    this.#grant = handler;
  }

  /** A mark for an order of this host's own. */
  newMark(): number {
    return ++this.#marks;
  }

  /** A new epoch begins: what was sent so far, by whatever right, is only held from now on. */
  restated(): void {
    this.#advanceMark = ++this.#marks;
    this.#advanceUsed = 0;
  }

  /**
   * A request has left the device, or never went.
   * @returns whether its slot is the advance's again; else it is free for all
   */
  left(row: number, request: GatedRequest): boolean {
    this.outstanding -= 1;
    this.#rows.atDevice[row]! -= 1;
    this.#rows.finished[row]! += 1;
    if (request.gateEpoch !== this.#advanceMark) return false;
    this.#advanceUsed -= 1;
    return this.#advanceUsed < this.#membership.epoch.advance;
  }

  /**
   * Sends what may go without asking: on the advance, or on the outage quota. A device that
   * completes inside submit brings us back here: that call returns at once and this loop goes on.
   */
  pump(nowNs: number): void {
    if (this.#pumping || this.#rows.ringIsEmpty) return;
    this.#pumping = true;
    try {
      let now = nowNs;
      while (this.order === null ? this.#sendOnAdvance(now) : this.#sendOnQuota(now, this.order)) {
        now = this.#clock.nowNs();
      }
    } finally {
      this.#pumping = false;
    }
  }

  #sendOnAdvance(nowNs: number): boolean {
    if (this.advanceIdle === 0 || !this.#membership.mayGrant(nowNs)) return false;
    const row = this.#rows.takeRinged();
    if (row < 0) return false;
    this.#advanceUsed += 1;
    this.counted.advanced += 1;
    this.#rows.advanced[row]! += 1;
    this.#send(row, this.#rows.flows[row]!, this.#advanceMark, nowNs, 0);
    return true;
  }

  #sendOnQuota(nowNs: number, order: OutageOrder): boolean {
    if (this.outstanding >= this.#membership.epoch.outageQuota || !this.#membership.mayUseQuota(nowNs)) return false;
    const flow = order.next(nowNs);
    if (flow === null) return false;
    this.counted.onQuota += 1;
    this.#rows.advanced[flow.gateIndex]! += 1;
    this.#send(flow.gateIndex, flow, order.mark, nowNs, 0);
    return true;
  }

  /**
   * The row's grants are `total`, as the answer to call n says, which was sent at sentNs.
   * @returns how many of them are new
   */
  granted(row: number, total: number, n: number, sentNs: number): number {
    const rows = this.#rows;
    const fresh = total - rows.used[row]! - rows.handedBack[row]!;
    // Grants first: what they free of the backlog need not go on the advance.
    this.#pumping = true;
    try {
      for (let i = 0; i < fresh; i++) {
        const nowNs = this.#clock.nowNs();
        const flow = rows.flows[row];
        if (flow?.head == null || !this.#membership.mayGrant(nowNs)) {
          this.#handBackUnused(row, fresh - i);
          break;
        }
        rows.used[row]! += 1;
        this.counted.granted += 1;
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
    this.counted.handedBack += count;
    this.#cadence.soon();
  }

  /** Sends the oldest request of the row's flow. */
  #send(row: number, flow: FlowView, mark: number, nowNs: number, coordinationNs: number): void {
    const rows = this.#rows;
    const head = flow.head!;
    head.gateEpoch = mark;
    rows.atDevice[row]! += 1;
    rows.cost[row]! += head.cost;
    rows.touch(row);
    this.outstanding += 1;
    this.#passed.by(nowNs);
    this.#grant!(flow, nowNs, coordinationNs);
    if (flow.head === null) return;
    this.#passed.headCame(flow);
    rows.enring(row);
  }
}
