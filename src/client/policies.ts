/** Policies over gRPC: who is owed how much. */
import { invalid } from '../core/model/errors.js';
import { ANY_DEVICE, checkPolicy, type PolicyFields } from '../core/model/policy.js';
import { checkDeviceName, checkTag } from '../core/model/tag.js';
import type { Policy__Output } from '../wire/gen/sluice/v1/Policy.js';
import type { PolicyChange__Output } from '../wire/gen/sluice/v1/PolicyChange.js';
import type { WatchPoliciesResponse__Output } from '../wire/gen/sluice/v1/WatchPoliciesResponse.js';
import { serviceMethods, type Calls } from './calls.js';

/** A policy as the service tells it. */
export interface Policy extends PolicyFields {
  /** A device's name or `*`. */
  readonly device: string;
  readonly tag: string;
  /** Changes with every change of the policy. */
  readonly etag: string;
}

/** A policy to set. `etag`: absent = whatever is there, `*` = only where nothing is, else only over that etag. */
export interface PolicyInput extends PolicyFields {
  readonly device: string;
  readonly tag: string;
  readonly etag?: string;
}

export interface PolicyChange {
  readonly kind: 'created' | 'updated' | 'deleted';
  /** null when created. */
  readonly before: Policy | null;
  /** null when deleted. */
  readonly after: Policy | null;
  readonly revision: number;
}

export interface ApplyOptions {
  /** Delete what is not in the list, within pruneDevice and prunePrefix. */
  readonly prune?: boolean;
  readonly pruneDevice?: string;
  readonly prunePrefix?: string;
  /** Say what would change, change nothing. */
  readonly dryRun?: boolean;
  /** The same id again returns the first answer and changes nothing. */
  readonly requestId?: string;
}

export interface ApplyResult {
  readonly changes: readonly PolicyChange[];
  readonly unchanged: number;
  readonly revision: number;
}

export type PolicyWatchEvent =
  | { readonly kind: 'snapshot'; readonly policy: Policy }
  | { readonly kind: 'snapshot-done'; readonly revision: number }
  | { readonly kind: 'change'; readonly change: PolicyChange }
  | { readonly kind: 'heartbeat'; readonly revision: number };

const FIELDS = ['shares', 'selfShares', 'reservationPerS', 'limitPerS', 'burst'] as const;
const CHANGE_KINDS = { 1: 'created', 2: 'updated', 3: 'deleted' } as const;

function checkDevice(device: string): string {
  return device === ANY_DEVICE ? device : checkDeviceName(device);
}

function toWire(policy: PolicyInput): PolicyFields & { device: string; tag: string; etag: string } {
  checkPolicy(policy.device, policy.tag, policy);
  const fields: Partial<Record<(typeof FIELDS)[number], number>> = {};
  for (const name of FIELDS) if (policy[name] !== undefined) fields[name] = policy[name];
  return { device: policy.device, tag: policy.tag, etag: policy.etag ?? '', ...fields };
}

function fromWire(policy: Policy__Output): Policy {
  const fields: Partial<Record<(typeof FIELDS)[number], number>> = {};
  for (const name of FIELDS) if (policy[`_${name}`] !== undefined) fields[name] = policy[name]!;
  return { device: policy.device, tag: policy.tag, etag: policy.etag, ...fields };
}

function changeFromWire(change: PolicyChange__Output): PolicyChange {
  const kind = (CHANGE_KINDS as Record<number, PolicyChange['kind'] | undefined>)[change.kind];
  return {
    kind: kind ?? 'updated',
    before: change.before === null ? null : fromWire(change.before),
    after: change.after === null ? null : fromWire(change.after),
    revision: change.revision,
  };
}

function eventFromWire(response: WatchPoliciesResponse__Output): PolicyWatchEvent | null {
  switch (response.event) {
    case 'snapshot':
      return { kind: 'snapshot', policy: fromWire(response.snapshot!) };
    case 'snapshotDone':
      return { kind: 'snapshot-done', revision: response.snapshotDone! };
    case 'change':
      return { kind: 'change', change: changeFromWire(response.change!) };
    case 'heartbeat':
      return { kind: 'heartbeat', revision: response.heartbeat! };
    default:
      // Of a later version of the contract.
      return null;
  }
}

export class PolicyClient {
  private readonly calls: Calls;
  private readonly methods = serviceMethods('PolicyService');

  /** Made by SluiceClient. */
  constructor(calls: Calls) {
    this.calls = calls;
  }

  /** @throws (rejects) SluiceError NOT_FOUND where none is set; never so with `effective`, which says what is in force */
  async get(device: string, tag: string, options: { effective?: boolean } = {}): Promise<Policy> {
    const request = { device: checkDevice(device), tag: checkTag(tag), effective: options.effective === true };
    return fromWire(await this.calls.unary(this.methods.Get, request));
  }

  /** Ordered by device, then tag; pages are fetched as the loop goes on. */
  async *list(filter: { device?: string; tagPrefix?: string; pageSize?: number } = {}): AsyncGenerator<Policy, void> {
    const { pageSize = 0 } = filter;
    if (!Number.isInteger(pageSize) || pageSize < 0) throw invalid('pageSize', 'an integer 0 or above', pageSize);
    const device = filter.device === undefined ? '' : checkDevice(filter.device);
    const tagPrefix = filter.tagPrefix === undefined ? '' : checkTag(filter.tagPrefix, 'tagPrefix');
    let pageToken = '';
    do {
      const page = await this.calls.unary(this.methods.List, { device, tagPrefix, pageSize, pageToken });
      for (const policy of page.policies) yield fromWire(policy);
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
  }

  /** Replaces the whole policy. @throws (rejects) SluiceError ALREADY_EXISTS (etag `*`), ETAG_MISMATCH */
  async put(policy: PolicyInput): Promise<Policy> {
    return fromWire(await this.calls.unary(this.methods.Put, { policy: toWire(policy) }));
  }

  /** @returns the revision of the deletion. @throws (rejects) SluiceError NOT_FOUND, ETAG_MISMATCH */
  async delete(device: string, tag: string, etag = ''): Promise<number> {
    const request = { device: checkDevice(device), tag: checkTag(tag), etag };
    return (await this.calls.unary(this.methods.Delete, request)).revision;
  }

  /** Many changes, all or none. */
  async apply(policies: readonly PolicyInput[], options: ApplyOptions = {}): Promise<ApplyResult> {
    const answer = await this.calls.unary(this.methods.Apply, {
      policies: policies.map(toWire),
      prune: options.prune === true,
      pruneDevice: options.pruneDevice ?? '',
      prunePrefix: options.prunePrefix ?? '',
      dryRun: options.dryRun === true,
      requestId: options.requestId ?? '',
    });
    return { changes: answer.changes.map(changeFromWire), unchanged: answer.unchanged, revision: answer.revision };
  }

  /**
   * What is there, then changes as they happen; ends with the loop, the signal or an error.
   * @param options.resumeRevision only what came after it. @throws SluiceError OUT_OF_RANGE where that is too old to tell
   */
  async *watch(
    options: { device?: string; resumeRevision?: number; signal?: AbortSignal } = {},
  ): AsyncGenerator<PolicyWatchEvent, void> {
    const { resumeRevision = 0 } = options;
    if (!Number.isSafeInteger(resumeRevision) || resumeRevision < 0) {
      throw invalid('resumeRevision', 'an integer 0 or above', resumeRevision);
    }
    const device = options.device === undefined ? '' : checkDevice(options.device);
    for await (const response of this.calls.stream(this.methods.Watch, { device, resumeRevision }, options.signal)) {
      const event = eventFromWire(response);
      if (event !== null) yield event;
    }
  }
}
