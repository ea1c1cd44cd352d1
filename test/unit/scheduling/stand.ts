/**
 * Stands where a gate and its flows do: queues by tag, requests at the device, and a strict reading
 * of the algorithm's contract: whoever grants what does not wait, or asks for the head of an empty
 * queue, is caught here.
 */
import {
  DEFAULT_SETTINGS,
  patchSettings,
  type DeviceSettings,
  type DeviceSettingsPatch,
} from '../../../src/core/model/device.js';
import type { NodeShares } from '../../../src/core/model/policy.js';
import { OPS, type Op, type RequestView } from '../../../src/core/model/request.js';
import { NS_PER_MS } from '../../../src/core/model/units.js';
import type {
  AlgorithmContext,
  AlgorithmFactory,
  Heads,
  SchedulingAlgorithm,
} from '../../../src/core/scheduling/algorithm.js';

/** One request, and whose it is. */
export interface Ticket extends RequestView {
  readonly tag: string;
  readonly cost: number;
}

interface Queue {
  readonly tag: string;
  leaf: number;
  readonly waiting: Ticket[];
  outstanding: number;
}

export class Stand<A extends SchedulingAlgorithm = SchedulingAlgorithm> implements Heads {
  readonly algorithm: A;
  readonly settings: DeviceSettings;
  nowNs = 0;
  /** Everything granted, in order. */
  readonly granted: Ticket[] = [];
  /** At the device, in the order of their grants. */
  readonly outstanding: Ticket[] = [];
  readonly policies = new Map<string, Partial<NodeShares>>();
  readonly queues = new Map<string, Queue>();
  private readonly byLeaf = new Map<number, Queue>();
  private sequence = 0;
  private readonly last: (leaf: number) => number | undefined;

  /** @param last what the algorithm is told as the leaf that a tag had last, of the leaf that it did have, -1 = none */
  constructor(
    make: ((context: AlgorithmContext) => A) | AlgorithmFactory,
    patch: DeviceSettingsPatch = {},
    last = (leaf: number): number | undefined => leaf,
  ) {
    this.last = last;
    this.settings = patchSettings(DEFAULT_SETTINGS, patch);
    this.algorithm = make({
      settings: this.settings,
      sharesOf: (tag) => ({ shares: 100, selfShares: 100, ...this.policies.get(tag) }),
      heads: this,
    }) as A;
  }

  /** Policies from the start: shares by tag. */
  shares(shares: Readonly<Record<string, number>>): this {
    for (const [tag, value] of Object.entries(shares)) this.policies.set(tag, { shares: value });
    return this;
  }

  setShares(tag: string, fields: Partial<NodeShares>): void {
    this.policies.set(tag, { ...this.policies.get(tag), ...fields });
    this.algorithm.sharesChanged(tag, this.nowNs);
  }

  advanceMs(ms: number): void {
    this.nowNs += ms * NS_PER_MS;
  }

  head(leaf: number): RequestView {
    const head = this.byLeaf.get(leaf)?.waiting[0];
    if (head === undefined) throw new Error(`asked for the head of leaf ${leaf}, where nothing waits`);
    return head;
  }

  waiting(tag: string): number {
    return this.queues.get(tag)?.waiting.length ?? 0;
  }

  get waitingInAll(): number {
    let sum = 0;
    for (const queue of this.queues.values()) sum += queue.waiting.length;
    return sum;
  }

  arrive(tag: string, cost = 1, op: Op = OPS.READ): Ticket {
    const ticket: Ticket = {
      tag,
      op,
      offset: 0,
      lengthBytes: 4_096,
      cost,
      arrivedNs: this.nowNs,
      sequence: this.sequence++,
    };
    this.join(ticket);
    return ticket;
  }

  arriveMany(tag: string, count: number, cost = 1): Ticket[] {
    return Array.from({ length: count }, () => this.arrive(tag, cost));
  }

  /** Puts a ticket at the end of its queue, or at its front where it is the rest of a request in pieces. */
  join(ticket: Ticket, atFront = false): void {
    let queue = this.queues.get(ticket.tag);
    if (queue === undefined) {
      this.queues.set(ticket.tag, (queue = { tag: ticket.tag, leaf: -1, waiting: [], outstanding: 0 }));
    }
    if (queue.waiting.length === 0 && queue.outstanding === 0) {
      // The leaf is the algorithm's to forget while the tag is idle, so it is asked for anew.
      queue.leaf = this.algorithm.open(ticket.tag, this.nowNs, this.last(queue.leaf));
      const before = this.byLeaf.get(queue.leaf);
      const stillThere = before !== queue && before?.leaf === queue.leaf;
      if (stillThere && (before.waiting.length > 0 || before.outstanding > 0)) {
        throw new Error(`leaf ${queue.leaf} of ${ticket.tag} is still in use by ${before.tag}`);
      }
      this.byLeaf.set(queue.leaf, queue);
    }
    if (atFront) queue.waiting.unshift(ticket);
    else queue.waiting.push(ticket);
    this.algorithm.arrived(queue.leaf, ticket, this.nowNs);
  }

  cancel(ticket: Ticket): void {
    const queue = this.queues.get(ticket.tag)!;
    queue.waiting.splice(queue.waiting.indexOf(ticket), 1);
    this.algorithm.cancelled(queue.leaf, ticket, this.nowNs);
  }

  /** One decision; null where the algorithm is idle. */
  grant(): Ticket | null {
    const next = this.algorithm.next(this.nowNs);
    if (next.kind === 'idle') return null;
    if (next.kind === 'wait') throw new Error('nothing here limits a rate, so nothing may be told to wait');
    const queue = this.byLeaf.get(next.leaf);
    const ticket = queue?.waiting.shift();
    if (queue === undefined || ticket === undefined) {
      throw new Error(`leaf ${next.leaf} was granted, where nothing waits`);
    }
    queue.outstanding += 1;
    this.granted.push(ticket);
    this.outstanding.push(ticket);
    return ticket;
  }

  /** Grants `count` times and finishes each at once. The tags, in order. */
  serve(count: number): string[] {
    const tags: string[] = [];
    for (let i = 0; i < count; i++) {
      const ticket = this.grant();
      if (ticket === null) break;
      tags.push(ticket.tag);
      this.finish(ticket);
    }
    return tags;
  }

  finish(ticket: Ticket): void {
    const queue = this.leave(ticket);
    this.algorithm.finished(queue.leaf, ticket, 1_000, this.nowNs);
  }

  handBack(ticket: Ticket): void {
    const queue = this.leave(ticket);
    this.algorithm.handBack(queue.leaf, ticket, this.nowNs);
  }

  private leave(ticket: Ticket): Queue {
    this.outstanding.splice(this.outstanding.indexOf(ticket), 1);
    const queue = this.queues.get(ticket.tag)!;
    queue.outstanding -= 1;
    return queue;
  }
}

/** How often each tag stands in the list. */
export function countByTag(tags: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const tag of tags) counts[tag] = (counts[tag] ?? 0) + 1;
  return counts;
}
