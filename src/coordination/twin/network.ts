/**
 * The network between hosts and the twin's store, simulated: each message takes its own time, may be
 * lost or come twice, and so may overtake others. Everything that happens follows from the clock
 * and the seed.
 */
import type { Clock, Rng, Timer } from '../../core/ports.js';
import { NS_PER_US } from '../../core/model/units.js';
import type { ExchangeCall, ExchangeReply, ExchangeTransport } from '../exchange/protocol.js';
import type { TwinStore } from './store.js';

/** May be changed at any time; holds for messages sent from then on. */
export interface NetworkFaults {
  /** One way, uniform between the two. */
  delayUsMin: number;
  delayUsMax: number;
  /** Probability that a message is lost; that a call arrives a second time. */
  loss: number;
  duplicate: number;
}

export const GOOD_NETWORK: NetworkFaults = { delayUsMin: 50, delayUsMax: 150, loss: 0, duplicate: 0 };

interface Nudged {
  readonly device: string;
  readonly host: string;
  readonly listener: () => void;
}

export class TwinNetwork {
  readonly store: TwinStore;
  readonly faults: NetworkFaults;
  readonly #clock: Clock;
  readonly #rng: Rng;
  readonly #timeoutUs: number;
  readonly #cutOff = new Set<string>();
  readonly #nudged = new Set<Nudged>();

  /** @param timeoutUs after which a call without an answer is given up */
  constructor(store: TwinStore, clock: Clock, rng: Rng, timeoutUs: number, faults: NetworkFaults = GOOD_NETWORK) {
    this.store = store;
    this.faults = { ...faults };
    this.#clock = clock;
    this.#rng = rng.fork('network');
    this.#timeoutUs = timeoutUs;
  }

  /** Nothing passes between the host and the store, either way, until it is joined again. */
  cutOff(host: string): void {
    this.#cutOff.add(host);
  }

  rejoin(host: string): void {
    this.#cutOff.delete(host);
  }

  /** The way of one host to the store. */
  transportOf(host: string): ExchangeTransport {
    return {
      exchange: (call, done) => {
        this.#exchange(host, call, done);
      },
      onNudge: (device, nudgedHost, listener) => {
        const nudged: Nudged = { device, host: nudgedHost, listener };
        this.#nudged.add(nudged);
        return () => this.#nudged.delete(nudged);
      },
    };
  }

  #exchange(host: string, call: ExchangeCall, done: (reply: ExchangeReply | null, failure: string) => void): void {
    let open = true;
    let timeout: Timer | null = null;
    const answer = (reply: ExchangeReply | null, failure: string): void => {
      if (!open) return;
      open = false;
      timeout?.cancel();
      done(reply, failure);
    };
    timeout = this.#clock.after(this.#timeoutUs * NS_PER_US, () => {
      answer(null, `no answer within ${this.#timeoutUs} us`);
    });
    const deliver = (): void => {
      if (this.store.stopped) return;
      const { reply, nudges } = this.store.exchange(call);
      for (const other of nudges) this.#nudge(call.device, other);
      this.#carry(host, () => {
        answer(reply, '');
      });
    };
    this.#carry(host, deliver);
    if (this.#rng.next() < this.faults.duplicate) this.#carry(host, deliver);
  }

  #nudge(device: string, host: string): void {
    this.#carry(host, () => {
      for (const nudged of [...this.#nudged]) {
        if (nudged.device === device && nudged.host === host && this.#nudged.has(nudged)) nudged.listener();
      }
    });
  }

  /** A message under way; lost where the host is cut off at either end of it. */
  #carry(host: string, arrive: () => void): void {
    const { delayUsMin, delayUsMax, loss } = this.faults;
    const lost = this.#rng.next() < loss || this.#cutOff.has(host);
    const us = delayUsMin + this.#rng.next() * (delayUsMax - delayUsMin);
    if (lost) return;
    this.#clock.after(us * NS_PER_US, () => {
      if (!this.#cutOff.has(host)) arrive();
    });
  }
}
