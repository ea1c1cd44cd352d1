/** Devices in Redis, shared by all hosts; see shared-records.ts for how. */
import { Broadcast } from '../../core/broadcast.js';
import { checkEtag } from '../../core/model/etag.js';
import { SluiceError } from '../../core/model/errors.js';
import {
  DEFAULT_SETTINGS,
  patchSettings,
  type DeviceRecord,
  type DeviceSettingsPatch,
} from '../../core/model/device.js';
import type { DeviceEvent, DeviceStore, Watcher } from '../../core/ports.js';
import { demandOf, etagOf } from './etags.js';
import type { RecordChange, StoredRecord } from './record-replies.js';
import { SharedRecords, type SharedRecordsOptions, type WriteResult } from './shared-records.js';

type NewRecord = Omit<DeviceRecord, 'etag' | 'revision'>;

/** Settings that an older version did not write get their defaults. */
function deviceOf(name: string, record: StoredRecord): DeviceRecord {
  const { target, settings, draining } = JSON.parse(record.value) as Omit<NewRecord, 'name' | 'settings'> & {
    settings: DeviceSettingsPatch;
  };
  return {
    name,
    target,
    settings: patchSettings(DEFAULT_SETTINGS, settings),
    draining,
    etag: etagOf(record.revision),
    revision: record.revision,
  };
}

/** Keys in order at every level, so that the same device is the same text. */
function ordered(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, ordered(inner)]),
  );
}

function valueOf({ target, settings, draining }: NewRecord): string {
  return JSON.stringify(ordered({ target, settings, draining }));
}

function eventOf({ key, before, after, revision }: RecordChange): DeviceEvent {
  return {
    before: before === null ? null : deviceOf(key, before),
    after: after === null ? null : deviceOf(key, after),
    revision,
  };
}

export class RedisDeviceStore implements DeviceStore {
  private readonly records: SharedRecords;
  private readonly watchers = new Broadcast<DeviceEvent>();

  constructor(options: SharedRecordsOptions) {
    this.records = new SharedRecords(options, {
      loaded: () => undefined,
      changed: (changes) => this.watchers.tell(changes.map(eventOf)),
      historyBroken: () => undefined,
    });
  }

  /** Called once, before anything else. @throws SluiceError STORE_UNAVAILABLE, UNSUPPORTED (another schema) */
  start(): Promise<void> {
    return this.records.start();
  }

  async get(name: string): Promise<DeviceRecord | null> {
    await this.records.sync();
    const record = this.records.copy.records.get(name);
    return record === undefined ? null : deviceOf(name, record);
  }

  async list(): Promise<DeviceRecord[]> {
    await this.records.sync();
    return this.ordered();
  }

  async put(record: NewRecord, ifMatch: string): Promise<DeviceRecord> {
    const result = await this.records.write(
      [{ key: record.name, demand: demandOf(ifMatch), value: valueOf(record) }],
      '',
    );
    if (result.kind !== 'ok') throw this.refusal(record.name, ifMatch, result);
    const after = result.changes[0]?.after ?? this.records.copy.records.get(record.name);
    if (after === undefined) throw new SluiceError('NOT_FOUND', `device ${record.name} was deleted meanwhile`);
    return deviceOf(record.name, after);
  }

  async delete(name: string, ifMatch: string): Promise<void> {
    const result = await this.records.write([{ key: name, demand: demandOf(ifMatch), value: null }], '');
    if (result.kind !== 'ok') throw this.refusal(name, ifMatch, result);
  }

  watch(watcher: Watcher<DeviceEvent>): () => void {
    for (const after of this.ordered()) watcher.event({ before: null, after, revision: after.revision });
    return this.watchers.add(this.records.copy.revision, watcher);
  }

  /** As SharedRecords.seed. */
  seed(devices: readonly NewRecord[]): Promise<void> {
    return this.records.seed(devices.map((device) => ({ key: device.name, value: valueOf(device) })));
  }

  close(): void {
    this.records.close();
  }

  private ordered(): DeviceRecord[] {
    return [...this.records.copy.records]
      .map(([name, record]) => deviceOf(name, record))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  private refusal(name: string, ifMatch: string, refusal: Exclude<WriteResult, { kind: 'ok' }>): SluiceError {
    if (refusal.kind === 'missing') {
      return new SluiceError('NOT_FOUND', `device ${name} does not exist`, { field: 'name' });
    }
    try {
      checkEtag(`device ${name}`, refusal.revision === null ? null : etagOf(refusal.revision), ifMatch);
    } catch (error) {
      return SluiceError.from(error);
    }
    return new SluiceError('INTERNAL', `device ${name}: the store refused an etag that holds`);
  }
}
