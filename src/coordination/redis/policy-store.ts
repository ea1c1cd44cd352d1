/** Policies in Redis, shared by all hosts; see shared-records.ts for how. */
import { checkEtag } from '../../core/model/etag.js';
import { SluiceError } from '../../core/model/errors.js';
import { POLICY_FIELDS, type Policy, type PolicyFields } from '../../core/model/policy.js';
import { PolicyTable } from '../../core/policy-table.js';
import type { PolicyEvent, PolicyStore, PolicyWrite, Watcher } from '../../core/ports.js';
import { SharedRecords, type SharedRecordsOptions } from './shared-records.js';
import type { RecordChange, StoredRecord } from './record-replies.js';
import { demandOf, etagOf } from './etags.js';

/** No device has a slash in its name, so the first one ends it. */
function keyOf(device: string, tag: string): string {
  return `${device}/${tag}`;
}

function policyOf(key: string, record: StoredRecord): Policy {
  const slash = key.indexOf('/');
  return {
    ...(JSON.parse(record.value) as PolicyFields),
    device: key.slice(0, slash),
    tag: key.slice(slash + 1),
    etag: etagOf(record.revision),
    revision: record.revision,
  };
}

/** In one order of fields, so that the same policy is the same text. */
function valueOf(fields: PolicyFields): string {
  return JSON.stringify(Object.fromEntries(POLICY_FIELDS.map((name) => [name, fields[name]])));
}

function eventOf({ key, before, after, revision }: RecordChange): PolicyEvent {
  return {
    before: before === null ? null : policyOf(key, before),
    after: after === null ? null : policyOf(key, after),
    revision,
  };
}

export class RedisPolicyStore implements PolicyStore {
  private readonly records: SharedRecords;
  private readonly table: PolicyTable;

  constructor(options: SharedRecordsOptions) {
    const table = new PolicyTable(0, options.eventsKept);
    this.table = table;
    this.records = new SharedRecords(options, {
      loaded: (copy, log) => {
        const policies = [...copy.records].map(([key, record]) => policyOf(key, record));
        table.load(policies, copy.revision, log.map(eventOf));
      },
      changed: (changes) => table.commit(changes.map(eventOf)),
      historyBroken: (revision) => table.breakHistory(revision),
    });
  }

  /** Called once, before anything else. @throws SluiceError STORE_UNAVAILABLE, UNSUPPORTED (another schema) */
  start(): Promise<void> {
    return this.records.start();
  }

  async get(device: string, tag: string): Promise<Policy | null> {
    await this.records.sync();
    return this.table.get(device, tag);
  }

  async list(query: Parameters<PolicyStore['list']>[0]): Promise<{ policies: Policy[]; revision: number }> {
    await this.records.sync();
    return this.table.list(query);
  }

  async write(writes: readonly PolicyWrite[], requestId: string): Promise<{ events: PolicyEvent[]; revision: number }> {
    const result = await this.records.write(
      writes.map(({ device, tag, fields, ifMatch }) => ({
        key: keyOf(device, tag),
        demand: demandOf(ifMatch),
        value: fields === null ? null : valueOf(fields),
      })),
      requestId,
    );
    if (result.kind === 'ok') return { events: result.changes.map(eventOf), revision: result.revision };
    const { device, tag, ifMatch } = writes[result.index]!;
    const what = `policy ${tag} on device ${device}`;
    if (result.kind === 'missing') throw new SluiceError('NOT_FOUND', `${what} does not exist`);
    checkEtag(what, result.revision === null ? null : etagOf(result.revision), ifMatch);
    throw new SluiceError('INTERNAL', `${what}: the store refused an etag that holds`);
  }

  async revision(): Promise<number> {
    await this.records.sync();
    return this.table.revision;
  }

  watch(afterRevision: number, watcher: Watcher<PolicyEvent>): (() => void) | null {
    return this.table.watch(afterRevision, watcher);
  }

  /** As SharedRecords.seed. */
  seed(policies: readonly { device: string; tag: string; fields: PolicyFields }[]): Promise<void> {
    return this.records.seed(
      policies.map(({ device, tag, fields }) => ({ key: keyOf(device, tag), value: valueOf(fields) })),
    );
  }

  close(): void {
    this.records.close();
  }
}
