/**
 * Hosts that call with whatever the contract lets them say, on the twin and on the reference: both have to
 * answer the same and to be the same all along. It reaches what a run of minutes does not: costs so dear that
 * time is taken back, tags that come and go by the dozen, settings that change with every few calls.
 */
import { exchange } from '../../coordination/twin/exchange.js';
import { checkState } from '../../coordination/twin/check-state.js';
import type { ExchangeReply } from '../../coordination/exchange/protocol.js';
import type { DeviceState } from '../../coordination/twin/records.js';
import type { Rng } from '../../core/ports.js';
import { history, type HistoryOptions, type Wish } from './history.js';
import { ReferenceWatch } from './reference/watch.js';

const STEPS = 80;
/** Answers are compared after each call, the whole state after every so many. */
const COMPARED_EVERY = 3;
const TAGS = ['a', 'b', 'a/x', 'a/y', 'b/x/1', 'b/x/2', 'b/x', 'c/d', 'e', 'f/g/h/i'] as const;
/** More than are cleared away in a call when their host ends. */
const CROWD = Array.from({ length: 90 }, (_, i) => `crowd/${i}`);

function optionsOf(rng: Rng): HistoryOptions {
  const pick = <T>(from: readonly T[]): T => from[rng.below(from.length)]!;
  const crowded = rng.below(8) === 0;
  return {
    steps: STEPS,
    // The second: long enough for tags to be forgotten and quotas to take turns.
    ...pick([
      { leaseMs: 200, stepUs: 2_000 },
      { leaseMs: 20_000, stepUs: 200_000 },
    ]),
    settings: {
      scheduler: pick(['fair', 'fair', 'fair', 'stride', 'fifo']),
      depth: 1 + rng.below(16),
      fair: { credit: pick([0, 0, 3]), idleResetMs: 1 + rng.below(100) },
      stride: {
        globalShares: pick([10_000, 4_000]),
        sleepMs: 1 + rng.below(20),
        threshold: pick([500, 2 ** 40]),
        sleepRule: pick(['as-written', 'before-pick']),
      },
    },
    hosts: crowded ? 1 : 1 + rng.below(4),
    tags: crowded ? CROWD : TAGS.slice(0, 2 + rng.below(TAGS.length - 1)),
    faults: { lose: 0.1, duplicate: 0.1, crash: 0.03, server: 0.03, settings: 0.03, flush: 0.01 },
    costMax: pick([1, 20, 65_536, 2 ** 31]),
  };
}

export class RandomState {
  readonly #rng: Rng;
  #state: DeviceState | null = null;
  #watch = new ReferenceWatch(COMPARED_EVERY);
  #calls = 0;

  constructor(rng: Rng) {
    this.#rng = rng;
  }

  /** @returns where the twin and the reference part; '' where they do not */
  play(): string {
    const options = optionsOf(this.#rng);
    const wishes = history(this.#rng, options);
    for (let next = wishes.next(null); next.done !== true;) {
      const answer = this.#grant(next.value);
      if (typeof answer === 'string') {
        return `${options.settings.scheduler!}, hosts at random, call ${this.#calls}: ${answer}`;
      }
      next = wishes.next(answer);
    }
    return '';
  }

  /** @returns what is broken, in words, instead of an answer */
  #grant(wish: Wish): ExchangeReply | null | string {
    switch (wish.kind) {
      case 'stepped':
        return null;
      case 'flush':
        this.#state = null;
        this.#watch = new ReferenceWatch(COMPARED_EVERY);
        return null;
      case 'call': {
        this.#calls += 1;
        const done = exchange(this.#state, wish.call, wish.around);
        this.#state = done.state;
        const differs = this.#watch.taken(wish.call, wish.around, done);
        if (differs !== '') return differs;
        if (done.state !== null && this.#calls % COMPARED_EVERY === 0) checkState(done.state);
        return done.reply;
      }
    }
  }
}
