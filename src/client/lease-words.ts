/**
 * What is said of leases: granted, renewed, done, revoked, and how they pass from a stream that ended
 * to the next one of the same host. Another host knows nothing of them.
 */
import { CODES } from '../core/model/errors.js';
import type { Link } from './link.js';
import type { Pending } from './pending.js';
import type { ClientRequest, LeaseOutcome } from './request.js';

export class LeaseWords {
  private readonly requests: Pending;
  private readonly schedule: () => void;

  constructor(requests: Pending, schedule: () => void) {
    this.requests = requests;
    this.schedule = schedule;
  }

  granted(link: Link, id: number, leaseMs: number): void {
    const request = this.requests.table.get(id);
    if (request?.link !== link) return;
    const { sink, token } = request;
    if (sink.granted === undefined) {
      // A plain request that crossed the news that the device is one of leases.
      this.say(request, link, { code: 'UNSUPPORTED', message: 'the client asked for the I/O, not for a lease' });
      return;
    }
    request.leased = true;
    // Whatever became of earlier sendings, only this one was granted.
    request.inDoubt = false;
    sink.granted(token, leaseMs);
  }

  done(id: number, outcome: LeaseOutcome): void {
    const request = this.requests.table.get(id);
    if (request === null || !request.leased || request.outcome !== null) return;
    request.outcome = outcome;
    if (request.link !== null) this.say(request, request.link, outcome);
  }

  renew(id: number): void {
    const request = this.requests.table.get(id);
    if (request === null || !request.leased || request.link === null) return;
    request.link.renewals.push(id);
    this.schedule();
  }

  /** Its stream has ended: its caller works on meanwhile. */
  lost(request: ClientRequest): void {
    request.state = 'leased';
    request.inDoubt = true;
  }

  /** What is held is this stream's now, where its host granted it; else nobody knows of it any more. */
  resume(link: Link): void {
    const held = this.requests.table.select((each) => each.state === 'leased');
    const orphaned: number[] = [];
    for (const request of held) {
      if (!link.remembers(request.hostId)) {
        orphaned.push(request.id);
        continue;
      }
      request.state = 'sent';
      request.link = link;
      request.inDoubt = false;
      link.outstanding += 1;
      if (request.outcome === null) link.renewals.push(request.id);
      else this.say(request, link, request.outcome);
    }
    this.schedule();
    this.requests.failIds(
      orphaned,
      'OUTCOME_UNKNOWN',
      'the host that granted the lease is gone, and with it the lease',
    );
  }

  /** True where that answers the request. */
  revoked(link: Link, id: number, reason: string): boolean {
    const request = this.requests.table.get(id);
    if (request?.link !== link || !request.leased) return false;
    this.requests.answer(request, 'OUTCOME_UNKNOWN', `its lease ended: ${reason}`);
    return true;
  }

  private say(request: ClientRequest, link: Link, { code, message }: LeaseOutcome): void {
    link.dones.push({ id: request.id, code: CODES[code], message });
    this.schedule();
  }
}
