/** Holds the requests whose stream ended until it is settled what to do with each; keeps the fence's time. */
import type { Clock, Timer } from './world.js';
import { judge, type DoubtPolicy } from './doubt.js';
import type { Link } from './link.js';
import { RequestList, type ClientRequest } from './request.js';

export interface DoubtOwner {
  readonly current: Link | null;
  resend(request: ClientRequest): void;
  outcomeUnknown(id: number, why: string): void;
}

export class DoubtKeeper {
  private readonly owner: DoubtOwner;
  private readonly clock: Clock;
  private readonly policy: DoubtPolicy;
  private readonly list = new RequestList();
  private timer: Timer | null = null;

  constructor(owner: DoubtOwner, clock: Clock, policy: DoubtPolicy) {
    this.owner = owner;
    this.clock = clock;
    this.policy = policy;
  }

  add(request: ClientRequest): void {
    this.list.push(request);
  }

  /**
   * The host has forgotten the session since the stream to it ended: what it will remember from now
   * on says nothing of these.
   */
  forgottenBy(hostId: string): void {
    for (let request = this.list.head; request !== null; request = request.next) {
      if (request.hostId === hostId) request.hostRemembers = false;
    }
  }

  /** Settles what can be settled now; sets the timer for the next fence. */
  judgeAll(): void {
    this.timer?.cancel();
    this.timer = null;
    const link = this.owner.current;
    if (link === null) return;
    const nowNs = this.clock.nowNs();
    const unknown: { id: number; why: string }[] = [];
    let nextNs = Infinity;
    for (let request = this.list.head; request !== null;) {
      const following: ClientRequest | null = request.next;
      const verdict = judge(request, link, nowNs, this.policy);
      switch (verdict.kind) {
        case 'resend':
          this.list.remove(request);
          request.settles = verdict.authoritative && !request.inDoubtForGood;
          this.owner.resend(request);
          break;
        case 'wait':
          nextNs = Math.min(nextNs, verdict.untilNs);
          break;
        case 'unknown':
          unknown.push({ id: request.id, why: verdict.why });
          break;
      }
      request = following;
    }
    if (nextNs < Infinity) this.timer = this.clock.after(nextNs - nowNs, () => this.judgeAll());
    // Last: a sink may call anything.
    for (const { id, why } of unknown) this.owner.outcomeUnknown(id, why);
  }

  stop(): void {
    this.timer?.cancel();
    this.timer = null;
  }
}
