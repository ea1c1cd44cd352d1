/** Random histories for the bounds of fairness: trees, shares, costs, arrivals, idle times, cancellations. */
import fc from 'fast-check';
import type { AlgorithmFactory } from '../../../src/core/scheduling/algorithm.js';
import type { NodeShares } from '../../../src/core/model/policy.js';
import { BoundsChecker } from './bounds.js';
import { Stand } from './stand.js';

/** How a tag's costs come about. */
type CostProfile = readonly number[];

type Step =
  /** `count` requests of a tag. */
  | { readonly kind: 'burst'; readonly tag: number; readonly count: number }
  /** One request each of tags that are never seen again: makes the tree forget. */
  | { readonly kind: 'strangers'; readonly count: number }
  /** So many grants; `pick` says which request finishes when all slots are taken. */
  | { readonly kind: 'serve'; readonly count: number; readonly pick: number }
  | { readonly kind: 'finish'; readonly pick: number }
  | { readonly kind: 'cancel'; readonly tag: number; readonly count: number }
  | { readonly kind: 'shares'; readonly tag: number; readonly level: number; readonly shares: number }
  | { readonly kind: 'pass'; readonly ms: number };

export interface History {
  readonly tags: readonly string[];
  readonly shares: readonly number[];
  readonly costs: readonly CostProfile[];
  readonly depth: number;
  readonly credit: number;
  readonly steps: readonly Step[];
}

const cost = fc.oneof(
  fc.constantFrom(1, 2, 65_536),
  fc.integer({ min: 1, max: 64 }),
  fc.integer({ min: 1, max: 65_536 }),
);
const costs: fc.Arbitrary<CostProfile> = fc.oneof(
  fc.constant([1]),
  fc.constant([65_536]),
  fc.constant([1, 1, 1, 65_536]),
  fc.array(cost, { minLength: 1, maxLength: 5 }),
);
const shares = fc.oneof(fc.constantFrom(1, 3, 100, 100, 10_000), fc.integer({ min: 1, max: 10_000 }));
const segment = fc.constantFrom('a', 'b', 'c');
const tag = fc.array(segment, { minLength: 1, maxLength: 4 }).map((segments) => segments.join('/'));
const index = fc.nat({ max: 11 });
const pick = fc.nat({ max: 1_000 });

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant('burst' as const), tag: index, count: fc.integer({ min: 1, max: 30 }) }),
  },
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant('serve' as const), count: fc.integer({ min: 1, max: 40 }), pick }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('finish' as const), pick }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('cancel' as const), tag: index, count: fc.integer({ min: 1, max: 40 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('shares' as const), tag: index, level: fc.nat({ max: 3 }), shares }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.constantFrom(1, 999, 1_000, 60_000) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('strangers' as const), count: fc.integer({ min: 1, max: 12 }) }),
  },
);

export const history: fc.Arbitrary<History> = fc.record({
  tags: fc.uniqueArray(tag, { minLength: 2, maxLength: 8 }),
  shares: fc.array(shares, { minLength: 12, maxLength: 12 }),
  costs: fc.array(costs, { minLength: 8, maxLength: 8 }),
  depth: fc.constantFrom(1, 2, 7, 32),
  credit: fc.constantFrom(0, 0, 0, 1, 50),
  steps: fc.array(step, { minLength: 4, maxLength: 60, size: 'max' }),
});

/** Plays one history on the scheduler. @throws BoundsViolation where a bound does not hold */
export function playHistory(make: AlgorithmFactory, played: History): void {
  new Player(make, played).run();
}

class Player {
  private readonly stand: Stand;
  private readonly checker: BoundsChecker;
  private readonly played: History;
  private strangers = 0;

  constructor(make: AlgorithmFactory, played: History) {
    this.played = played;
    this.stand = new Stand(make, { depth: played.depth, fair: { credit: played.credit } });
    const prefixes = new Set(played.tags.flatMap((one) => ancestors(one)));
    [...prefixes].forEach((path, i) => {
      const value = played.shares[i % played.shares.length]!;
      const selfShares = played.shares[(i + 5) % played.shares.length]!;
      this.stand.policies.set(path, { shares: value, selfShares });
    });
    this.checker = new BoundsChecker(played.tags, played.depth, played.credit, (one) => this.policy(one));
  }

  run(): void {
    for (const step of this.played.steps) this.take(step);
    while (this.grant(0)) continue;
  }

  private policy(one: string): NodeShares {
    return { shares: 100, selfShares: 100, ...this.stand.policies.get(one) };
  }

  private take(step: Step): void {
    const { stand, checker } = this;
    switch (step.kind) {
      case 'burst':
        for (let i = 0; i < step.count; i++) this.arrive(step.tag);
        return;
      case 'strangers':
        for (let i = 0; i < step.count; i++) stand.arrive(`stranger${this.strangers++}`);
        return;
      case 'serve':
        for (let i = 0; i < step.count && this.grant(step.pick + i); i++) continue;
        return;
      case 'finish':
        this.finishOne(step.pick);
        return;
      case 'cancel': {
        const queue = stand.queues.get(this.tag(step.tag));
        // From the end, so that the oldest, which may have been looked at already, goes last.
        for (let i = 0; i < step.count && queue !== undefined && queue.waiting.length > 0; i++) {
          const ticket = queue.waiting.at(-1)!;
          stand.cancel(ticket);
          checker.cancelled(ticket.tag);
        }
        return;
      }
      case 'shares': {
        const path = ancestors(this.tag(step.tag))[step.level] ?? this.tag(step.tag);
        stand.setShares(path, { shares: step.shares });
        checker.sharesChanged(path, this.policy(path));
        return;
      }
      case 'pass':
        stand.advanceMs(step.ms);
    }
  }

  private tag(at: number): string {
    return this.played.tags[at % this.played.tags.length]!;
  }

  private arrive(at: number): void {
    const profile = this.played.costs[at % this.played.tags.length]!;
    const turn = this.stand.granted.length + this.stand.waitingInAll;
    const { tag: of, cost: charged } = this.stand.arrive(this.tag(at), profile[turn % profile.length]);
    this.checker.arrived(of, charged);
  }

  /** One grant, with a slot made free for it first where all are taken. False where nothing waits. */
  private grant(pickedToFinish: number): boolean {
    if (this.stand.outstanding.length >= this.played.depth) this.finishOne(pickedToFinish);
    const ticket = this.stand.grant();
    if (ticket === null) return false;
    if (isTracked(ticket.tag)) this.checker.granted(ticket.tag, ticket.cost);
    return true;
  }

  private finishOne(at: number): void {
    const { outstanding } = this.stand;
    const ticket = outstanding[at % Math.max(1, outstanding.length)];
    if (ticket === undefined) return;
    this.stand.finish(ticket);
    if (isTracked(ticket.tag)) this.checker.finished(ticket.tag, ticket.cost);
  }
}

function isTracked(one: string): boolean {
  return !one.startsWith('stranger');
}

/** The tag and what it lies below, from the top. */
function ancestors(one: string): string[] {
  const segments = one.split('/');
  return segments.map((_, i) => segments.slice(0, i + 1).join('/'));
}
