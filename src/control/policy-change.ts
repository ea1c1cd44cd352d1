/** A change of one policy, as people are told of it. */
import type { Policy } from '../core/model/policy.js';
import type { PolicyEvent } from '../core/ports.js';

export interface PolicyChange {
  readonly kind: 'created' | 'updated' | 'deleted';
  readonly before: Policy | null;
  readonly after: Policy | null;
  readonly revision: number;
}

export function changeOf(event: PolicyEvent): PolicyChange {
  const kind = event.before === null ? 'created' : event.after === null ? 'deleted' : 'updated';
  return { kind, before: event.before, after: event.after, revision: event.revision };
}
