/**
 * The calls of one host about one device: what each says, what becomes of its answer.
 *
 *   call n ──▶ ok       rows, nodes and forgotten numbers are known; lease, advance, quota, grants
 *          ──▶ rejoin   the same news again, as the first of a new epoch
 *          ──▶ refused  this host is not taken: asked again, slowly
 *          ──▶ in-use   another process has this host's id: the same n again, slowly, which never overtakes it
 *          ──▶ nothing  the same news again, with what came on top, as call n + 1
 */
import { NS_PER_MS, NS_PER_US } from '../../core/model/units.js';
import type { DeviceSettings } from '../../core/model/device.js';
import type { ErrorCode } from '../../core/model/errors.js';
import type { Clock } from '../../core/ports.js';
import type { Cadence } from './cadence.js';
import type { Membership } from './membership.js';
import { isInStep } from './modes.js';
import type { NodeNews } from './node-news.js';
import type { ExchangeCall, ExchangeReply, ExchangeTransport } from './protocol.js';
import type { RowTable } from './row-table.js';
import type { Sending } from './sending.js';

/** An advance that was called in is given again a tenth of a second after nobody waits any more, to who asks. */
const CALM_AGAIN_NS = 110 * NS_PER_MS;

export interface Listener {
  rowRefused(row: number, code: ErrorCode, message: string): void;
  /** All of an answer is taken in. `othersToo`: hosts elsewhere were granted something as well. */
  answered(othersToo: boolean, nowNs: number): void;
}

export interface ConversationParts {
  readonly device: string;
  readonly host: string;
  readonly leaseMs: number;
  readonly clock: Clock;
  readonly transport: ExchangeTransport;
  readonly rows: RowTable;
  readonly nodes: NodeNews;
  readonly membership: Membership;
  readonly cadence: Cadence;
  readonly sending: Sending;
  readonly settings: () => DeviceSettings;
  readonly settingsRevision: () => number;
  readonly listener: Listener;
}

export class Conversation {
  calls = 0;
  unanswered = 0;
  joins = 0;
  readonly #parts: ConversationParts;
  /** The call in flight. */
  #sent: ExchangeCall | null = null;
  #sentWallMs = 0;
  #closing = false;

  constructor(parts: ConversationParts) {
    this.#parts = parts;
  }

  /** Makes the next call; none is in flight. */
  call(): void {
    const { clock, membership, rows, nodes, sending } = this.#parts;
    const nowNs = clock.nowNs();
    if (membership.epoch.lives) {
      const states = rows.takeDirty(membership.epoch.n + 1, nowNs);
      this.#send('exchange', states, nodes.take(states), rows.takeForgotten());
      return;
    }
    this.joins += 1;
    membership.begin();
    rows.restate();
    sending.restated();
    const states = rows.joinStates(membership.epoch.n + 1, nowNs);
    this.#send('join', states, nodes.take(states), []);
  }

  /** Ends the epoch. Best effort: where the call is lost, the lease ends by itself. */
  leave(): void {
    this.#closing = true;
    if (this.#sent === null && this.#parts.membership.epoch.lives) this.#send('leave', [], [], []);
  }

  #send(
    kind: ExchangeCall['kind'],
    rows: ExchangeCall['rows'],
    nodes: ExchangeCall['nodes'],
    forget: ExchangeCall['forget'],
  ): void {
    const { device, host, leaseMs, clock, transport, sending, settings, settingsRevision } = this.#parts;
    const { epoch } = this.#parts.membership;
    epoch.n += 1;
    this.calls += 1;
    this.#parts.membership.called(clock.nowNs());
    this.#sentWallMs = clock.wallMs();
    const call: ExchangeCall = {
      device,
      host,
      kind,
      incarnation: epoch.incarnation,
      epoch: epoch.number,
      n: epoch.n,
      acked: epoch.acked,
      leaseMs,
      settings: settings(),
      settingsRevision: settingsRevision(),
      exchangeUs: Math.ceil(epoch.exchangeUs),
      advance: epoch.advance,
      outageQuota: epoch.outageQuota,
      hosts: epoch.hosts,
      advanceIdle: sending.advanceIdle,
      rows,
      nodes,
      forget,
    };
    this.#sent = call;
    transport.exchange(call, this.#answered);
  }

  readonly #answered = (reply: ExchangeReply | null, failure: string): void => {
    const { clock, membership, cadence } = this.#parts;
    const call = this.#sent!;
    const nowNs = clock.nowNs();
    this.#sent = null;
    if (this.#closing) {
      if (call.kind !== 'leave') this.leave();
      return;
    }
    membership.lookUp(nowNs);
    // Stale: a copy of the call was taken in before, and its answer lost.
    if (reply === null || reply.status === 'stale' || reply.n !== call.n) {
      this.unanswered += 1;
      this.#notTaken(call);
      membership.notAnswered(nowNs, failure);
      cadence.unanswered();
      return;
    }
    if (reply.status === 'ok') {
      this.#taken(call, reply, nowNs);
      cadence.answered();
      if (reply.againUs > 0) cadence.again(reply.againUs * NS_PER_US);
      if (reply.contended) cadence.again(CALM_AGAIN_NS);
      return;
    }
    this.#notTaken(call);
    membership.told(reply.status, reply, nowNs);
    if (reply.status === 'in-use') membership.epoch.n -= 1;
    // One join at once; whoever is not taken even so waits longer each time.
    if (reply.status !== 'rejoin' || call.kind === 'join') {
      cadence.unanswered();
    } else {
      cadence.soon();
      cadence.answered();
    }
  };

  #notTaken(call: ExchangeCall): void {
    this.#parts.rows.unanswered(call.rows);
    this.#parts.nodes.untold(call.nodes);
  }

  #taken(call: ExchangeCall, reply: ExchangeReply, nowNs: number): void {
    const { rows, membership, cadence, sending, listener } = this.#parts;
    const { sentNs } = cadence;
    rows.answered(call.rows, call.forget, nowNs);
    // The epoch ended while the call was out: what it brings is void, and the next call is a join.
    if (membership.epoch.isVoid) return;
    const grantsMade = membership.taken(reply, sentNs, this.#sentWallMs, nowNs);
    for (const { row, code, message } of reply.refusedRows) listener.rowRefused(row, code, message);
    let granted = 0;
    for (const { row, granted: total } of reply.granted) granted += sending.granted(row, total, call.n, sentNs);
    listener.answered(grantsMade > granted, nowNs);
    // Idle slots that were called in are others' once a call says that they are idle no more.
    if (sending.advanceIdle < call.advanceIdle && reply.advance < call.advance) cadence.soon();
    // It came after the end of the lease that it gives.
    if (!isInStep(membership.mode)) cadence.soon();
    if (rows.anyDirty || rows.anyForgotten) cadence.later();
  }
}
