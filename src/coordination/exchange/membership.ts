/**
 * Whether this host belongs to those that share a device, now: its epoch, its lease, its mode, and
 * what it notices of itself.
 *
 *   joining ── answered ──▶ settling ── answered ──▶ coordinated
 *      ▲                        │                        │
 *      ├── lease ended, told to rejoin, clock jumped, stood still ──┘
 *      └── any answer ◀── outage-continue | outage-reject ◀── no answer for the grace time
 *
 * A host that stood still for a lease refuses what it had queued: none of it was sent, and what a
 * client sent again elsewhere meanwhile must not land after what followed it there. The same goes for what
 * lay in its sockets: all that comes within a tick of the end of the standstill is refused as well.
 */
import { SluiceError, type ErrorCode } from '../../core/model/errors.js';
import { NS_PER_MS } from '../../core/model/units.js';
import type { Clock, Logger, Timer } from '../../core/ports.js';
import { Epoch } from './epoch.js';
import { Lease } from './lease.js';
import { ModeState, type CoordinationMode } from './modes.js';
import type { CoordinationOptions } from './options.js';
import type { ExchangeReply } from './protocol.js';

/** Looks a lease that the host takes at itself: lease, grace, standing still, heartbeat. */
const TICKS_A_LEASE = 24;
/** A wall clock that went this part of a lease another way than the monotonic one has jumped. */
const JUMP_PART = 1 / 4;

export interface MembershipOwner {
  modeChanged(mode: CoordinationMode, was: CoordinationMode): void;
  /** All that waits is to be answered so. */
  refuseAll(code: ErrorCode, message: string): void;
  /** The state is to be asked at once. */
  callNeeded(): void;
  /** A look at itself is done. */
  ticked(nowNs: number): void;
}

export class Membership {
  readonly epoch = new Epoch();
  /** Times that this host stood still for a lease, and that its wall clock jumped. */
  standstills = 0;
  clockJumps = 0;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #fields: { readonly device: string; readonly host: string };
  readonly #owner: MembershipOwner;
  readonly #options: CoordinationOptions;
  readonly #leaseNs: number;
  readonly #lease: Lease;
  readonly #mode: ModeState;
  /** When the first call was made that nothing was answered to, nor to any since; -1 where there is none. */
  #unansweredNs = -1;
  #refusal: SluiceError | null = null;
  /** Of requests that were sent before a standstill ended, and how long such may still come in. */
  #stale: SluiceError | null = null;
  #staleUntilNs = 0;
  /** Why the last call was not answered. */
  #failure = 'no answer';
  #ticker: Timer | null = null;

  constructor(
    clock: Clock,
    logger: Logger,
    fields: { readonly device: string; readonly host: string },
    options: CoordinationOptions,
    owner: MembershipOwner,
  ) {
    const nowNs = clock.nowNs();
    this.#clock = clock;
    this.#logger = logger;
    this.#fields = fields;
    this.#owner = owner;
    this.#options = options;
    this.#leaseNs = options.leaseMs * NS_PER_MS;
    this.#lease = new Lease(options.leaseMs, nowNs, clock.wallMs());
    this.#mode = new ModeState(logger, fields, nowNs, (mode, was) => owner.modeChanged(mode, was));
  }

  get mode(): CoordinationMode {
    return this.#mode.mode;
  }

  /** What requests are answered with at once; null where they are queued. */
  get refusal(): SluiceError | null {
    return this.#stale ?? this.#refusal;
  }

  get reason(): string {
    return this.#mode.reason;
  }

  start(): void {
    this.#ticker = this.#clock.after(this.#leaseNs / TICKS_A_LEASE, this.#tick);
  }

  close(): void {
    this.#ticker?.cancel();
    this.#ticker = null;
    this.#lease.end();
    this.#mode.set('closed', 'closed', this.#clock.nowNs());
  }

  /** Looked at immediately before each grant is used, the state's or one on the advance. */
  mayGrant(nowNs: number): boolean {
    if (this.mode !== 'coordinated') return false;
    const wallMs = this.#clock.wallMs();
    return this.#lease.lives(nowNs, wallMs) && !this.#lease.stoodStill(nowNs, wallMs);
  }

  /** The same before each request that goes on the outage quota. */
  mayUseQuota(nowNs: number): boolean {
    const wallMs = this.#clock.wallMs();
    if (this.#lease.stoodStill(nowNs, wallMs)) return false;
    return this.mode === 'outage-continue' || (this.mode === 'settling' && this.#lease.lives(nowNs, wallMs));
  }

  /** A call comes back, with an answer or without: first of all, what happened to this host meanwhile. */
  lookUp(nowNs: number): void {
    if (this.#lease.stoodStill(nowNs, this.#clock.wallMs())) this.#noteStandstill(nowNs);
  }

  /** A new epoch is about to be asked for. */
  begin(): void {
    this.epoch.begin();
    this.#lease.end();
  }

  /**
   * A call of the present epoch, sent at these times, was taken in.
   * @returns grants that the state made since the last answer, to whomever
   */
  taken(reply: ExchangeReply, sentNs: number, sentWallMs: number, nowNs: number): number {
    this.#unansweredNs = -1;
    this.#failure = 'no answer';
    this.#lease.renew(sentNs, sentWallMs);
    const granted = this.epoch.taken(reply, nowNs - sentNs);
    // An answer that took longer than the lease is none to stand on: the next call comes at once.
    if (this.#lease.lives(nowNs, this.#clock.wallMs())) {
      this.#set(reply.settling ? 'settling' : 'coordinated', 'the state has answered', nowNs);
    }
    return granted;
  }

  told(kind: 'rejoin' | 'refused' | 'in-use', reply: ExchangeReply, nowNs: number): void {
    this.#unansweredNs = -1;
    this.epoch.ended(reply.epoch);
    this.#lease.end();
    switch (kind) {
      case 'rejoin':
        this.#set('joining', 'the state has ended this epoch, or is another one', nowNs);
        return;
      case 'refused':
        this.#refuse(reply.code === 'OK' ? 'INTERNAL' : reply.code, reply.message, nowNs);
        return;
      case 'in-use':
        this.#refuse(
          'STORE_UNAVAILABLE',
          `another process runs as host ${this.#fields.host}: this one waits for its end`,
          nowNs,
        );
        return;
    }
  }

  #refuse(code: ErrorCode, message: string, nowNs: number): void {
    this.#refusal = new SluiceError(code, message);
    this.#set('refused', message, nowNs);
  }

  /** A call is made. */
  called(nowNs: number): void {
    if (this.#unansweredNs < 0) this.#unansweredNs = nowNs;
  }

  /** A call was not answered. */
  notAnswered(nowNs: number, failure: string): void {
    this.#failure = failure;
    this.#noteAway(nowNs);
  }

  /** After the grace time without an answer the store is away. */
  #noteAway(nowNs: number): void {
    const { graceMs, outage } = this.#options;
    switch (this.mode) {
      case 'joining':
      case 'settling':
      case 'coordinated':
        if (this.#unansweredNs < 0 || nowNs - this.#unansweredNs < graceMs * NS_PER_MS) return;
        this.#set(
          outage === 'continue' ? 'outage-continue' : 'outage-reject',
          `the store has not answered for ${String(graceMs)} ms: ${this.#failure}`,
          nowNs,
        );
        return;
      case 'outage-continue':
      case 'outage-reject':
      case 'refused':
      case 'closed':
        return;
    }
  }

  readonly #tick = (): void => {
    this.start();
    const nowNs = this.#clock.nowNs();
    if (nowNs >= this.#staleUntilNs) this.#stale = null;
    this.lookUp(nowNs);
    const wallMs = this.#clock.wallMs();
    const apartMs = this.#lease.tick(nowNs, wallMs);
    if (this.#isJump(apartMs)) this.#noteJump(apartMs, nowNs);
    if ((this.mode === 'coordinated' || this.mode === 'settling') && !this.#lease.lives(nowNs, wallMs)) {
      this.#set('joining', 'the lease ended without an answer', nowNs);
    }
    this.#noteAway(nowNs);
    this.#owner.ticked(nowNs);
  };

  #isJump(apartMs: number): boolean {
    return Math.abs(apartMs) * NS_PER_MS > this.#leaseNs * JUMP_PART;
  }

  #noteJump(byMs: number, nowNs: number): void {
    this.clockJumps += 1;
    this.#logger.warn({ ...this.#fields, byMs: Math.round(byMs) }, 'the wall clock jumped: this host joins anew');
    this.#endEpoch('the wall clock jumped', nowNs);
  }

  #noteStandstill(nowNs: number): void {
    this.standstills += 1;
    const apartMs = this.#lease.tick(nowNs, this.#clock.wallMs());
    if (this.#unansweredNs >= 0) this.#unansweredNs = nowNs;
    // A machine that slept looks the same as one whose clock was set ahead.
    const by = this.#isJump(apartMs) ? `, by its wall clock, which went ${String(Math.round(apartMs))} ms ahead` : '';
    const what = `this host stood still for longer than its lease${by}`;
    this.#stale = new SluiceError('STORE_UNAVAILABLE', `${what}; the request was not sent`);
    this.#staleUntilNs = nowNs + this.#leaseNs / TICKS_A_LEASE;
    this.#endEpoch(what, nowNs);
    this.#owner.refuseAll(this.#stale.code, this.#stale.message);
  }

  #endEpoch(reason: string, nowNs: number): void {
    this.epoch.ended(0);
    this.#lease.end();
    if (this.mode !== 'refused') this.#set('joining', reason, nowNs);
    this.#owner.callNeeded();
  }

  #set(mode: CoordinationMode, reason: string, nowNs: number): void {
    if (mode === 'outage-reject') this.#refusal = new SluiceError('STORE_UNAVAILABLE', reason);
    else if (mode !== 'refused') this.#refusal = null;
    this.#mode.set(mode, reason, nowNs);
  }
}
