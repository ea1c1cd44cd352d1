/**
 * Policies and devices that outlive the process: each change is on the disk before it is answered.
 * Records say what is so from then on, never what changed, so that reading them again, or some of
 * them twice, ends in the same. When most of the log is history it is replaced by what is so now.
 */
import { SluiceError } from '../../core/model/errors.js';
import type { DeviceRecord } from '../../core/model/device.js';
import type { Policy } from '../../core/model/policy.js';
import { MIB } from '../../core/model/units.js';
import type { PolicyEvent } from '../../core/ports.js';
import { SegmentLog } from './segment-log.js';

const NAME = 'records';
const REPLACE_BYTES_MIN = MIB;
/** Length of the log against what it would be made anew. */
const REPLACE_FACTOR = 4;
/** Most answers kept to be given again to the same request id. */
const ANSWERS_KEPT = 1_000;

const KINDS = { policies: 1, device: 2 } as const;

export interface PolicyAnswer {
  readonly events: PolicyEvent[];
  readonly revision: number;
}

/** `null` where it was deleted. */
interface PoliciesRecord {
  readonly policies: readonly { readonly device: string; readonly tag: string; readonly policy: Policy | null }[];
  readonly revision: number;
  readonly requestId: string;
  readonly answer: PolicyAnswer | null;
}

interface DeviceChange {
  readonly name: string;
  readonly record: DeviceRecord | null;
  readonly revision: number;
}

const encode = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

export class SavedRecords {
  private readonly folder: string;
  private readonly policies = new Map<string, { device: string; tag: string; policy: Policy | null }>();
  private readonly devices = new Map<string, DeviceChange>();
  private readonly answers = new Map<string, PolicyAnswer>();
  private policyRevision = 0;
  private log!: SegmentLog;
  private freshBytes = 0;
  /** Changes are written one after the other. */
  private last: Promise<void> = Promise.resolve();

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async open(folder: string, report: (message: string) => void): Promise<SavedRecords> {
    const saved = new SavedRecords(folder);
    saved.log = await SegmentLog.open({
      folder,
      name: NAME,
      segmentBytesMax: Number.MAX_SAFE_INTEGER,
      stampSpanMax: Number.MAX_SAFE_INTEGER,
      report,
      visit: (kind, payload) => {
        const value = JSON.parse(payload.toString()) as unknown;
        if (kind === KINDS.policies) saved.takePolicies(value as PoliciesRecord);
        else if (kind === KINDS.device) saved.takeDevice(value as DeviceChange);
        else report(`${folder}: a record of kind ${String(kind)} is of a later version; passed over`);
        return 0;
      },
    });
    return saved;
  }

  /** What a store of policies begins with. */
  savedPolicies(): { policies: Policy[]; revision: number; answers: ReadonlyMap<string, PolicyAnswer> } {
    const policies = [...this.policies.values()].flatMap(({ policy }) => (policy === null ? [] : [policy]));
    return { policies, revision: this.policyRevision, answers: new Map(this.answers) };
  }

  /** What a store of devices begins with. */
  savedDevices(): { devices: DeviceRecord[]; revision: number } {
    const changes = [...this.devices.values()];
    const devices = changes.flatMap(({ record }) => (record === null ? [] : [record]));
    return { devices, revision: Math.max(0, ...changes.map(({ revision }) => revision)) };
  }

  /** Whether it was ever there, deleted or not: what a configuration says is where a store begins. */
  knowsPolicy(device: string, tag: string): boolean {
    return this.policies.has(`${device}\0${tag}`);
  }

  knowsDevice(name: string): boolean {
    return this.devices.has(name);
  }

  /** Resolves when it is on the disk. @throws SluiceError NO_SPACE, STORE_UNAVAILABLE: then it is not */
  savePolicies(answer: PolicyAnswer, requestId: string): Promise<void> {
    const policies = answer.events.map(({ before, after }) => {
      const { device, tag } = (after ?? before)!;
      return { device, tag, policy: after };
    });
    const record: PoliciesRecord = {
      policies,
      revision: answer.revision,
      requestId,
      answer: requestId === '' ? null : answer,
    };
    return this.write(KINDS.policies, record, () => this.takePolicies(record));
  }

  /** As savePolicies. */
  saveDevice(name: string, record: DeviceRecord | null, revision: number): Promise<void> {
    const change: DeviceChange = { name, record, revision };
    return this.write(KINDS.device, change, () => this.takeDevice(change));
  }

  async close(): Promise<void> {
    await this.last;
    await this.log.close();
  }

  private write(kind: number, record: unknown, take: () => void): Promise<void> {
    const written = this.last.then(async () => {
      try {
        await this.log.write([{ kind, payload: encode(record), stamp: 0 }]);
      } catch (error) {
        throw refused(this.folder, error as NodeJS.ErrnoException);
      }
      take();
    });
    this.last = written.then(
      () => this.shorten(),
      () => undefined,
    );
    return written;
  }

  /** One that fails leaves the log as long as it was, and is tried again with the next change. */
  private async shorten(): Promise<void> {
    if (this.log.bytes < Math.max(REPLACE_BYTES_MIN, REPLACE_FACTOR * this.freshBytes)) return;
    const policies: PoliciesRecord = {
      policies: [...this.policies.values()],
      revision: this.policyRevision,
      requestId: '',
      answer: null,
    };
    const records = [{ kind: KINDS.policies as number, payload: encode(policies), stamp: 0 }];
    for (const change of this.devices.values()) records.push({ kind: KINDS.device, payload: encode(change), stamp: 0 });
    for (const [requestId, answer] of this.answers) {
      const repeat: PoliciesRecord = { policies: [], revision: answer.revision, requestId, answer };
      records.push({ kind: KINDS.policies, payload: encode(repeat), stamp: 0 });
    }
    try {
      await this.log.replace(records);
    } catch {
      return;
    }
    this.freshBytes = this.log.bytes;
  }

  private takePolicies(record: PoliciesRecord): void {
    for (const each of record.policies) this.policies.set(`${each.device}\0${each.tag}`, each);
    this.policyRevision = Math.max(this.policyRevision, record.revision);
    if (record.answer === null) return;
    this.answers.set(record.requestId, record.answer);
    if (this.answers.size > ANSWERS_KEPT) this.answers.delete(this.answers.keys().next().value!);
  }

  private takeDevice(change: DeviceChange): void {
    this.devices.set(change.name, change);
  }
}

function refused(folder: string, error: NodeJS.ErrnoException): SluiceError {
  if (error.code === 'ENOSPC' || error.code === 'EDQUOT') {
    return new SluiceError('NO_SPACE', `data_dir ${folder} is full: the change was not made`, { cause: error });
  }
  return new SluiceError(
    'STORE_UNAVAILABLE',
    `data_dir ${folder} cannot be written (${error.message}): the change was not made`,
    { cause: error },
  );
}
