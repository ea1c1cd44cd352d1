/** PolicyService over the use cases: field names and presence, nothing else. */
import { invalid } from '../../core/model/errors.js';
import type { Policy, PolicyFields } from '../../core/model/policy.js';
import type { Policy as PolicyMessage, Policy__Output } from '../../wire/gen/sluice/v1/Policy.js';
import type { PolicyChange as PolicyChangeMessage } from '../../wire/gen/sluice/v1/PolicyChange.js';
import type { PolicyServiceHandlers } from '../../wire/gen/sluice/v1/PolicyService.js';
import type { WatchPoliciesResponse } from '../../wire/gen/sluice/v1/WatchPoliciesResponse.js';
import type { Calls } from './calls.js';
import type { PolicyChange, PolicyUseCases, PolicyWatchEvent } from './use-cases.js';

const KINDS = { created: 1, updated: 2, deleted: 3 } as const satisfies Record<PolicyChange['kind'], number>;

/** Absent fields stay absent: an absent share and a share of 0 are not the same. */
function toMessage(policy: Policy): PolicyMessage {
  const { device, tag, shares, selfShares, reservationPerS, limitPerS, burst, etag } = policy;
  return {
    device,
    tag,
    ...(shares !== undefined && { shares }),
    ...(selfShares !== undefined && { selfShares }),
    ...(reservationPerS !== undefined && { reservationPerS }),
    ...(limitPerS !== undefined && { limitPerS }),
    ...(burst !== undefined && { burst }),
    etag,
  };
}

function fieldsOf(message: Policy__Output): PolicyFields {
  const { shares, selfShares, reservationPerS, limitPerS, burst } = message;
  return {
    ...(shares !== undefined && { shares }),
    ...(selfShares !== undefined && { selfShares }),
    ...(reservationPerS !== undefined && { reservationPerS }),
    ...(limitPerS !== undefined && { limitPerS }),
    ...(burst !== undefined && { burst }),
  };
}

function toChange(change: PolicyChange): PolicyChangeMessage {
  return {
    kind: KINDS[change.kind],
    before: change.before === null ? null : toMessage(change.before),
    after: change.after === null ? null : toMessage(change.after),
    revision: change.revision,
  };
}

function toWatchResponse(event: PolicyWatchEvent): WatchPoliciesResponse {
  switch (event.kind) {
    case 'snapshot':
      return { snapshot: toMessage(event.policy) };
    case 'snapshotDone':
      return { snapshotDone: event.revision };
    case 'change':
      return { change: toChange(event.change) };
    case 'heartbeat':
      return { heartbeat: event.revision };
  }
}

export function policyService(policies: PolicyUseCases, calls: Calls): PolicyServiceHandlers {
  return {
    Get: calls.unary(async ({ device, tag, effective }) =>
      toMessage(await (effective ? policies.getEffective(device, tag) : policies.get(device, tag))),
    ),
    List: calls.unary(async ({ device, tagPrefix, pageSize, pageToken }) => {
      const page = await policies.list({ device, prefix: tagPrefix, pageSize, pageToken });
      return { ...page, policies: page.policies.map(toMessage) };
    }),
    Put: calls.unary(async ({ policy }) => {
      if (policy === null) throw invalid('policy', 'present', 'none');
      return toMessage(await policies.put(policy.device, policy.tag, fieldsOf(policy), policy.etag));
    }),
    Delete: calls.unary(async ({ device, tag, etag }) => ({ revision: await policies.delete(device, tag, etag) })),
    Apply: calls.unary(async (request) => {
      const { prune, pruneDevice, prunePrefix, dryRun, requestId } = request;
      const list = request.policies.map((policy) => ({
        device: policy.device,
        tag: policy.tag,
        fields: fieldsOf(policy),
        etag: policy.etag,
      }));
      const applied = await policies.apply({ policies: list, prune, pruneDevice, prunePrefix, dryRun, requestId });
      return { ...applied, changes: applied.changes.map(toChange) };
    }),
    Watch: calls.watch(({ device, resumeRevision }, send) =>
      policies.watch(device, resumeRevision, (event) => send(toWatchResponse(event))),
    ),
  };
}
