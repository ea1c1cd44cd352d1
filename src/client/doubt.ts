/**
 * Writes and doubt: what becomes of a request whose stream ended before its answer came.
 *
 * A disk cannot fence. Were a write sent again through another host at once, the first host might
 * still hold it and land it after a newer write to the same blocks. So:
 *   READ                  again, anywhere, at once
 *   FLUSH                 again on the same running host; elsewhere it would not cover the writes that the
 *                         first host answered: OUTCOME_UNKNOWN (unless flushSpansHosts)
 *   WRITE, TRIM, ZEROES   again at once where the host remembers the session (it answers a known id from
 *                         memory); else once the first host's fence has passed; else OUTCOME_UNKNOWN
 */
import { OPS } from '../core/model/request.js';
import type { Link } from './link.js';
import type { ClientRequest } from './request.js';

/** `fenced`: writes are sent again elsewhere after the fence; `never`: they end OUTCOME_UNKNOWN. */
export type ResendWrites = 'fenced' | 'never';

export interface DoubtPolicy {
  readonly resendWrites: ResendWrites;
  readonly flushSpansHosts: boolean;
  readonly maxOutageNs: number;
}

export type Verdict =
  | { readonly kind: 'resend'; readonly authoritative: boolean }
  | { readonly kind: 'wait'; readonly untilNs: number }
  | { readonly kind: 'unknown'; readonly why: string };

const RESEND: Verdict = { kind: 'resend', authoritative: true };

/**
 * `link` is a welcomed stream that takes requests. `authoritative`: its answer settles the request;
 * otherwise an error there says nothing of the attempt before.
 */
export function judge(request: ClientRequest, link: Link, nowNs: number, policy: DoubtPolicy): Verdict {
  if (request.hostRemembers && link.remembers(request.hostId)) return RESEND;
  switch (request.op) {
    case OPS.READ:
      return RESEND;
    case OPS.FLUSH:
      return policy.flushSpansHosts || link.hostId === request.hostId
        ? RESEND
        : { kind: 'unknown', why: `host ${request.hostId} is gone and ${link.hostId} cannot flush what it answered` };
    case OPS.WRITE:
    case OPS.TRIM:
    case OPS.WRITE_ZEROES:
      return judgeWrite(request, nowNs, policy);
  }
}

function judgeWrite(request: ClientRequest, nowNs: number, policy: DoubtPolicy): Verdict {
  const lost = `the stream to host ${request.hostId} ended before its answer`;
  if (policy.resendWrites === 'never') return { kind: 'unknown', why: `${lost}; resend_writes is never` };
  if (request.fencedNs - request.lostNs > policy.maxOutageNs) {
    return { kind: 'unknown', why: `${lost}; its fence lies beyond max_outage_ms` };
  }
  if (nowNs < request.fencedNs) return { kind: 'wait', untilNs: request.fencedNs };
  // Past the fence the first attempt has landed or never will; which of the two, nobody can say.
  return { kind: 'resend', authoritative: false };
}
