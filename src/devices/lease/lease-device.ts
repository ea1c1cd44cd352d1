/**
 * A disk that its clients hold themselves: this device moves no data, it says when. A request that is
 * sent to it becomes a lease for its client, and ends when the client says how its I/O went, or when
 * the lease has not been renewed in time: a client that dies keeps its slot for no longer than that.
 *
 *   submit ─▶ held ── finish(code) ─▶ done with the client's outcome
 *               │ ▲ renew
 *               └─┴── time is over, abandoned ─▶ done OUTCOME_UNKNOWN, revoked
 */
import type { Code } from '../../core/model/errors.js';
import { DEFAULT_SETTINGS, type DeviceSettings } from '../../core/model/device.js';
import type { DeviceDone, DeviceIo, Lease } from '../../core/model/request.js';
import { NS_PER_MS } from '../../core/model/units.js';
import type { BlockDevice, Clock, Timer } from '../../core/ports.js';

export interface LeaseSpec {
  readonly sizeBytes: number;
  /** A power of two, 512..65536. */
  readonly blockBytes: number;
  readonly readOnly: boolean;
}

export class LeaseDevice implements BlockDevice {
  readonly sizeBytes: number;
  readonly blockBytes: number;
  readonly readOnly: boolean;
  readonly leased = true;
  readonly #clock: Clock;
  readonly #held = new Map<DeviceIo, HeldLease>();
  #leaseMs = DEFAULT_SETTINGS.leaseMs;
  #closed: (() => void) | null = null;

  constructor(spec: LeaseSpec, clock: Clock) {
    this.sizeBytes = spec.sizeBytes;
    this.blockBytes = spec.blockBytes;
    this.readOnly = spec.readOnly;
    this.#clock = clock;
  }

  /** Leases from now on are as long as the settings say. */
  configure(settings: DeviceSettings): void {
    this.#leaseMs = settings.leaseMs;
  }

  submit(io: DeviceIo, done: DeviceDone): void {
    const lease = new HeldLease(this.#clock, this.#leaseMs, (code, message) => {
      this.#held.delete(io);
      io.finishedNs = Math.max(io.submittedNs, this.#clock.nowNs());
      done(io, code, message);
      if (this.#held.size === 0) this.#closed?.();
    });
    this.#held.set(io, lease);
    if (io.grant?.(lease) === true) return;
    // Not within submit: a long queue of such requests would nest as deep.
    this.#clock.after(0, () =>
      lease.finish('UNSUPPORTED', 'a lease device serves clients that do the I/O themselves, over a stream'),
    );
  }

  abandon(io: DeviceIo): void {
    this.#held.get(io)?.revoke('io_timeout_ms passed');
  }

  async close(): Promise<void> {
    if (this.#held.size > 0) await new Promise<void>((resolve) => (this.#closed = resolve));
  }
}

class HeldLease implements Lease {
  readonly leaseMs: number;
  revoked = '';
  readonly #clock: Clock;
  readonly #ended: (code: Code, message: string) => void;
  #untilNs: number;
  #timer: Timer | null;

  constructor(clock: Clock, leaseMs: number, ended: (code: Code, message: string) => void) {
    this.#clock = clock;
    this.leaseMs = leaseMs;
    this.#ended = ended;
    this.#untilNs = clock.nowNs() + leaseMs * NS_PER_MS;
    this.#timer = clock.after(leaseMs * NS_PER_MS, this.#check);
  }

  renew(): void {
    this.#untilNs = this.#clock.nowNs() + this.leaseMs * NS_PER_MS;
  }

  finish(code: Code, message: string): void {
    if (this.#timer === null) return;
    this.#timer.cancel();
    this.#timer = null;
    this.#ended(code, message);
  }

  revoke(why: string): void {
    this.revoked = why;
    this.finish('OUTCOME_UNKNOWN', `its lease ended: ${why}; whether the client has done its I/O is not known`);
  }

  /** The timer stays as it was armed; a lease that has been renewed meanwhile is looked at again. */
  readonly #check = (): void => {
    const leftNs = this.#untilNs - this.#clock.nowNs();
    if (leftNs > 0) this.#timer = this.#clock.after(leftNs, this.#check);
    else this.revoke(`it was not renewed within lease_ms (${String(this.leaseMs)})`);
  };
}
