/**
 * Staying connected: one stream that takes requests where one can be had, and at most one attempt at
 * a time to get the next.
 *
 *   start -> dial -> greeting -> ready -> (lost) -> wait -> dial the same address first, then the others
 *                       |          `-> (GoAway) -> leaving: finishes what is out; meanwhile dial the others first
 *                       `-> failed -> wait -> dial the next address
 *
 * An address whose old stream is still leaving is not dialled: the session is in use there. After
 * maxOutageMs without a stream the outage is declared; dialling goes on.
 */
import { SluiceError } from '../core/model/errors.js';
import { NS_PER_MS } from '../core/model/units.js';
import type { Clock, Rng, Timer } from './world.js';
import { backoffNs, type BackoffOptions } from './backoff.js';
import { Link, type LinkOwner } from './link.js';
import type { Network, ServerFrame } from './network.js';

export interface ConnectionOptions {
  readonly addresses: readonly string[];
  readonly backoff: BackoffOptions;
  readonly dialTimeoutMs: number;
  readonly maxOutageMs: number;
}

export interface ConnectionEvents {
  /** The link is now `current`. */
  welcomed(link: Link): void;
  /** It was current, and takes no new requests now. */
  leaving(link: Link, reason: string): void;
  /** It was welcomed once; what is out on it will not be answered there. */
  lost(link: Link, error: SluiceError): void;
  /** A dial came to nothing. */
  dialFailed(error: SluiceError): void;
  frame(link: Link, frame: ServerFrame): void;
  writable(link: Link): void;
  /** No stream for maxOutageMs. */
  outage(error: SluiceError): void;
}

export class Connection implements LinkOwner {
  /** The stream that takes requests. */
  current: Link | null = null;
  /** Why requests are refused while an outage lasts. */
  outageError: SluiceError | null = null;
  readonly leaving: Link[] = [];
  private readonly options: ConnectionOptions;
  private readonly events: ConnectionEvents;
  private readonly network: Network;
  private readonly clock: Clock;
  private readonly rng: Rng;
  private readonly sessionId: Uint8Array;
  private dialing: Link | null = null;
  private redialTimer: Timer | null = null;
  private dialTimer: Timer | null = null;
  private outageTimer: Timer | null = null;
  private nextAddress = 0;
  private tries = 0;
  private closed = false;
  private lastError: SluiceError | null = null;

  constructor(
    options: ConnectionOptions,
    events: ConnectionEvents,
    network: Network,
    clock: Clock,
    rng: Rng,
    sessionId: Uint8Array,
  ) {
    this.options = options;
    this.events = events;
    this.network = network;
    this.clock = clock;
    this.rng = rng;
    this.sessionId = sessionId;
  }

  start(): void {
    this.startOutage();
    this.dial();
  }

  /** A leaving stream has been given its last answer. */
  settled(link: Link): void {
    if (link.state !== 'leaving') return;
    link.state = 'ended';
    this.forgetLeaving(link);
    link.wire.end();
    this.redial();
  }

  close(): void {
    this.closed = true;
    this.redialTimer?.cancel();
    this.dialTimer?.cancel();
    this.outageTimer?.cancel();
    if (this.dialing !== null) {
      this.dialing.state = 'ended';
      this.dialing.wire.abort();
    }
    for (const link of [this.current, ...this.leaving]) {
      if (link === null) continue;
      link.state = 'ended';
      if (link.outstanding === 0) link.wire.end();
      else link.wire.abort();
    }
    this.dialing = null;
    this.current = null;
    this.leaving.length = 0;
  }

  received(link: Link, frame: ServerFrame): void {
    if (link.state === 'greeting') {
      if (frame.welcome === null) {
        link.wire.abort();
        this.ended(link, new SluiceError('INTERNAL', `${link.address}: its first frame carries no welcome`));
        return;
      }
      this.welcome(link, frame);
    }
    // First: a DRAINING answer in the same frame is one that crossed the GoAway.
    if (frame.goAway !== null && link.state === 'ready') this.goAway(link, frame.goAway.reason);
    this.events.frame(link, frame);
  }

  writable(link: Link): void {
    this.events.writable(link);
  }

  ended(link: Link, error: SluiceError): void {
    const was = link.state;
    link.state = 'ended';
    this.lastError = error;
    switch (was) {
      case 'greeting':
        this.dialing = null;
        this.dialTimer?.cancel();
        this.nextAddress = (link.addressIndex + 1) % this.options.addresses.length;
        this.events.dialFailed(error);
        break;
      case 'ready':
        this.current = null;
        // A stream that held this long says that the host works; one that did not keeps the back-off going.
        if (this.clock.nowNs() - link.welcomedNs >= this.options.backoff.maxMs * NS_PER_MS) this.tries = 0;
        // The same host first: it alone remembers the session, and can say what became of its writes.
        this.nextAddress = link.addressIndex;
        this.startOutage();
        this.events.lost(link, error);
        break;
      case 'leaving':
        this.forgetLeaving(link);
        this.events.lost(link, error);
        break;
      case 'ended':
        return;
    }
    this.redial();
  }

  private welcome(link: Link, frame: ServerFrame): void {
    link.welcome(frame.welcome!, this.clock.nowNs());
    this.dialing = null;
    this.dialTimer?.cancel();
    this.outageTimer?.cancel();
    this.outageTimer = null;
    this.outageError = null;
    this.current = link;
    this.events.welcomed(link);
  }

  private goAway(link: Link, reason: string): void {
    link.state = 'leaving';
    this.current = null;
    this.leaving.push(link);
    this.nextAddress = (link.addressIndex + 1) % this.options.addresses.length;
    this.lastError = new SluiceError('DRAINING', `${link.address}: going away: ${reason}`);
    this.startOutage();
    this.events.leaving(link, reason);
    if (link.outstanding === 0) this.settled(link);
    else this.redial();
  }

  private forgetLeaving(link: Link): void {
    const at = this.leaving.indexOf(link);
    if (at >= 0) this.leaving.splice(at, 1);
  }

  private startOutage(): void {
    if (this.outageTimer !== null || this.outageError !== null) return;
    const { maxOutageMs } = this.options;
    this.outageTimer = this.clock.after(maxOutageMs * NS_PER_MS, () => {
      this.outageTimer = null;
      const why =
        this.lastError === null ? `no answer from ${this.options.addresses.join(', ')}` : this.lastError.message;
      this.outageError = new SluiceError(
        'DEADLINE_EXCEEDED',
        `no host took requests within max_outage_ms ${String(maxOutageMs)}; last: ${why}`,
      );
      this.events.outage(this.outageError);
    });
  }

  /** Dials after the back-off, unless that is under way or needless. */
  private redial(): void {
    if (this.closed || this.current !== null || this.dialing !== null || this.redialTimer !== null) return;
    const { addresses, backoff } = this.options;
    this.redialTimer = this.clock.after(backoffNs(this.tries, addresses.length, backoff, this.rng), () => {
      this.redialTimer = null;
      this.dial();
    });
  }

  private dial(): void {
    const index = this.pickAddress();
    // Every address has a leaving stream: its end redials.
    if (index < 0) return;
    this.tries += 1;
    const address = this.options.addresses[index]!;
    const link = new Link(address, index, this);
    this.dialing = link;
    this.dialTimer = this.clock.after(this.options.dialTimeoutMs * NS_PER_MS, () => {
      link.wire.abort();
      const limit = String(this.options.dialTimeoutMs);
      this.ended(link, new SluiceError('DEADLINE_EXCEEDED', `${address}: no welcome within dial_timeout_ms ${limit}`));
    });
    link.wire = this.network.dial(address, link);
    link.wire.send({
      hello: { sessionId: this.sessionId },
      open: [],
      requests: [],
      cancels: [],
      done: [],
      renew: [],
      close: [],
    });
  }

  private pickAddress(): number {
    const { length } = this.options.addresses;
    for (let i = 0; i < length; i++) {
      const index = (this.nextAddress + i) % length;
      if (!this.leaving.some((link) => link.addressIndex === index)) return index;
    }
    return -1;
  }
}
