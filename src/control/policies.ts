/** The use cases of policies, which every door calls. */
import { SluiceError, invalid } from '../core/model/errors.js';
import { CREATE_ONLY, checkEtag } from '../core/model/etag.js';
import {
  ANY_DEVICE,
  POLICY_FIELDS,
  SHARES_DEFAULT,
  checkPolicy,
  mergePolicies,
  samePolicy,
  type Policy,
  type PolicyFields,
} from '../core/model/policy.js';
import { checkDeviceName, checkTag } from '../core/model/tag.js';
import type { Clock, PolicyStore, PolicyWrite } from '../core/ports.js';
import { PAGE_SIZE_MAX, checkPageSize, pageToken, readPageToken } from './paging.js';
import { checkFilter } from './filter.js';
import { changeOf, type PolicyChange } from './policy-change.js';
import { watchPolicies, type PolicyWatchEvent } from './policy-watch.js';

interface PolicyPut {
  readonly device: string;
  readonly tag: string;
  readonly fields: PolicyFields;
  /** '' whatever is there, '*' only where nothing is, else only over that etag. */
  readonly etag: string;
}

export interface ApplyRequest {
  readonly policies: readonly PolicyPut[];
  /** Delete what is not among `policies`, on pruneDevice ('' = all) at or below prunePrefix ('' = all). */
  readonly prune: boolean;
  readonly pruneDevice: string;
  readonly prunePrefix: string;
  readonly dryRun: boolean;
  readonly requestId: string;
}

export interface Applied {
  readonly changes: PolicyChange[];
  readonly unchanged: number;
  readonly revision: number;
}

const APPLY_MAX = 10_000;
const REQUEST_ID_MAX = 128;
/** How often Apply looks again when others change what it prunes meanwhile. */
const TRIES = 3;

export class Policies {
  private readonly store: PolicyStore;
  private readonly clock: Clock;

  constructor(store: PolicyStore, clock: Clock) {
    this.store = store;
    this.clock = clock;
  }

  /** @throws SluiceError NOT_FOUND */
  async get(device: string, tag: string): Promise<Policy> {
    checkKey(device, tag);
    const policy = await this.store.get(device, tag);
    if (policy === null) throw new SluiceError('NOT_FOUND', `policy ${tag} on device ${device} does not exist`);
    return policy;
  }

  /** What is in force, whether or not a policy is set: the device's over that of `*` over defaults. Its etag is empty. */
  async getEffective(device: string, tag: string): Promise<Policy> {
    checkKey(device, tag);
    const any = await this.store.get(ANY_DEVICE, tag);
    const exact = device === ANY_DEVICE ? null : await this.store.get(device, tag);
    return {
      shares: SHARES_DEFAULT,
      selfShares: SHARES_DEFAULT,
      ...mergePolicies(exact ?? undefined, any ?? undefined),
      device,
      tag,
      etag: '',
      revision: Math.max(any?.revision ?? 0, exact?.revision ?? 0),
    };
  }

  /** By device, then tag. device '' = all; prefix: a tag and those below it, '' = all. */
  async list(query: {
    readonly device: string;
    readonly prefix: string;
    readonly pageSize: number;
    readonly pageToken: string;
  }): Promise<{ policies: Policy[]; nextPageToken: string; revision: number }> {
    checkFilter(query.device, query.prefix);
    const limit = checkPageSize(query.pageSize);
    const key = readPageToken('policies', query.pageToken, 2);
    const after = key === null ? null : { device: key[0]!, tag: key[1]! };
    const found = await this.store.list({ device: query.device, prefix: query.prefix, after, limit: limit + 1 });
    const policies = found.policies.slice(0, limit);
    const last = policies.at(-1);
    const more = found.policies.length > limit && last !== undefined;
    return {
      policies,
      nextPageToken: more ? pageToken('policies', [last.device, last.tag]) : '',
      revision: found.revision,
    };
  }

  /**
   * Replaces the whole policy.
   * @throws SluiceError ALREADY_EXISTS, ETAG_MISMATCH, UNSUPPORTED
   */
  async put(device: string, tag: string, fields: PolicyFields, etag: string): Promise<Policy> {
    checkPolicy(device, tag, fields);
    const { events } = await this.store.write([{ device, tag, fields: onlyFields(fields), ifMatch: etag }], '');
    // No event: it was so already.
    return events[0]?.after ?? (await this.get(device, tag));
  }

  /**
   * @returns the store's revision after it
   * @throws SluiceError NOT_FOUND, ETAG_MISMATCH
   */
  async delete(device: string, tag: string, etag: string): Promise<number> {
    checkKey(device, tag);
    if (etag === CREATE_ONLY) throw invalid('etag', 'empty or the etag of a policy', etag);
    const { revision } = await this.store.write([{ device, tag, fields: null, ifMatch: etag }], '');
    return revision;
  }

  /** Many changes at once, all or none; a dry run says what would change. */
  async apply(request: ApplyRequest): Promise<Applied> {
    checkApply(request);
    for (let attempt = 1; ; attempt++) {
      const present = await this.loadPresent(request);
      const writes = writesOf(request, present);
      if (request.dryRun) return dryRun(writes, present, request.policies.length, await this.store.revision());
      try {
        const { events, revision } = await this.store.write(writes, request.requestId);
        return answer(events.map(changeOf), request.policies.length, revision);
      } catch (error) {
        // What was to be pruned may have been changed or deleted since it was read. An etag that the
        // caller got wrong fails the same way each time.
        const { code } = SluiceError.from(error);
        const changedMeanwhile = request.prune && (code === 'ETAG_MISMATCH' || code === 'NOT_FOUND');
        if (!changedMeanwhile || attempt === TRIES) throw error;
      }
    }
  }

  /**
   * A snapshot and then changes; from resumeRevision > 0 only what came since. device '' = all.
   * Resolves, with how to stop, once the snapshot has been told.
   * @throws SluiceError OUT_OF_RANGE when resumeRevision is too old
   */
  watch(device: string, resumeRevision: number, listener: (event: PolicyWatchEvent) => void): Promise<() => void> {
    return watchPolicies(this.store, this.clock, device, resumeRevision, listener);
  }

  /** What is there of all that the request may touch, by key. */
  private async loadPresent(request: ApplyRequest): Promise<Map<string, Policy>> {
    const present = new Map<string, Policy>();
    if (request.dryRun) {
      for (const { device, tag } of request.policies) {
        const policy = await this.store.get(device, tag);
        if (policy !== null) present.set(keyOf(policy), policy);
      }
    }
    if (!request.prune) return present;
    let after: Policy | null = null;
    do {
      const query = { device: request.pruneDevice, prefix: request.prunePrefix, after, limit: PAGE_SIZE_MAX };
      const { policies }: { policies: Policy[] } = await this.store.list(query);
      for (const policy of policies) present.set(keyOf(policy), policy);
      after = policies.length < PAGE_SIZE_MAX ? null : policies.at(-1)!;
    } while (after !== null);
    return present;
  }
}

function checkKey(device: string, tag: string): void {
  if (device !== ANY_DEVICE) checkDeviceName(device, 'device');
  checkTag(tag, 'tag');
}

function keyOf(policy: { readonly device: string; readonly tag: string }): string {
  return `${policy.device}\0${policy.tag}`;
}

function onlyFields(fields: PolicyFields): PolicyFields {
  return Object.fromEntries(POLICY_FIELDS.filter((key) => fields[key] !== undefined).map((key) => [key, fields[key]]));
}

function checkApply(request: ApplyRequest): void {
  const { policies, prune, pruneDevice, prunePrefix, requestId } = request;
  if (policies.length > APPLY_MAX) throw invalid('policies', `at most ${String(APPLY_MAX)}`, policies.length);
  if (requestId.length > REQUEST_ID_MAX) {
    throw invalid('request_id', `at most ${String(REQUEST_ID_MAX)} characters`, requestId);
  }
  const seen = new Set<string>();
  policies.forEach((policy, i) => {
    try {
      checkPolicy(policy.device, policy.tag, policy.fields);
    } catch (error) {
      throw atPolicy(SluiceError.from(error), i);
    }
    if (seen.has(keyOf(policy))) {
      throw invalid(`policies[${String(i)}]`, 'the only one of its device and tag', `${policy.device} ${policy.tag}`);
    }
    seen.add(keyOf(policy));
  });
  checkFilter(pruneDevice, prunePrefix, 'prune_device', 'prune_prefix');
  if (!prune && pruneDevice !== '') throw invalid('prune_device', 'empty without prune', pruneDevice);
  if (!prune && prunePrefix !== '') throw invalid('prune_prefix', 'empty without prune', prunePrefix);
}

/** `policy.shares …` -> `policies[3].shares …`. */
function atPolicy(error: SluiceError, index: number): SluiceError {
  const at = (text: string): string => text.replace(/^policy\b/, `policies[${String(index)}]`);
  const detail = error.field === undefined ? {} : { field: at(error.field) };
  return new SluiceError(error.code, at(error.message), detail);
}

function writesOf(request: ApplyRequest, present: ReadonlyMap<string, Policy>): PolicyWrite[] {
  const writes: PolicyWrite[] = request.policies.map(({ device, tag, fields, etag }) => ({
    device,
    tag,
    fields: onlyFields(fields),
    ifMatch: etag,
  }));
  if (!request.prune) return writes;
  const wanted = new Set(request.policies.map(keyOf));
  for (const policy of present.values()) {
    if (wanted.has(keyOf(policy))) continue;
    writes.push({ device: policy.device, tag: policy.tag, fields: null, ifMatch: policy.etag });
  }
  return writes;
}

/** What a store would do; the policies it would make have no etag and revision yet. */
function dryRun(
  writes: readonly PolicyWrite[],
  present: ReadonlyMap<string, Policy>,
  policies: number,
  revision: number,
): Applied {
  const changes: PolicyChange[] = [];
  for (const { device, tag, fields, ifMatch } of writes) {
    const before = present.get(keyOf({ device, tag })) ?? null;
    checkEtag(`policy ${tag} on device ${device}`, before?.etag ?? null, ifMatch);
    if (fields !== null && before !== null && samePolicy(before, fields)) continue;
    const after = fields === null ? null : { ...fields, device, tag, etag: '', revision: 0 };
    changes.push(changeOf({ before, after, revision }));
  }
  return answer(changes, policies, revision);
}

function answer(changes: PolicyChange[], policies: number, revision: number): Applied {
  const changed = changes.filter((change) => change.kind !== 'deleted').length;
  return { changes, unchanged: policies - changed, revision };
}
