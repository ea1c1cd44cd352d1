/** Devices in the memory of this process: the embedded default. */
import { isDeepStrictEqual } from 'node:util';
import { Broadcast } from '../../core/broadcast.js';
import { SluiceError } from '../../core/model/errors.js';
import type { DeviceRecord } from '../../core/model/device.js';
import { checkEtag } from '../../core/model/etag.js';
import type { DeviceEvent, DeviceStore, Watcher } from '../../core/ports.js';

export class LocalDeviceStore implements DeviceStore {
  private readonly records = new Map<string, DeviceRecord>();
  private readonly watchers = new Broadcast<DeviceEvent>();
  private current: number;

  /** @param firstRevision as of LocalPolicyStore */
  constructor(firstRevision = 0) {
    this.current = firstRevision;
  }

  get(name: string): Promise<DeviceRecord | null> {
    return Promise.resolve(this.records.get(name) ?? null);
  }

  list(): Promise<DeviceRecord[]> {
    return Promise.resolve(this.ordered());
  }

  put(record: Omit<DeviceRecord, 'etag' | 'revision'>, ifMatch: string): Promise<DeviceRecord> {
    return new Promise((resolve) => resolve(this.putNow(record, ifMatch)));
  }

  delete(name: string, ifMatch: string): Promise<void> {
    return new Promise((resolve) => {
      const before = this.records.get(name);
      if (before === undefined) throw new SluiceError('NOT_FOUND', `device ${name} does not exist`, { field: 'name' });
      checkEtag(`device ${name}`, before.etag, ifMatch);
      this.records.delete(name);
      this.watchers.tell([{ before, after: null, revision: ++this.current }]);
      resolve();
    });
  }

  watch(watcher: Watcher<DeviceEvent>): () => void {
    for (const after of this.ordered()) watcher.event({ before: null, after, revision: after.revision });
    return this.watchers.add(this.current, watcher);
  }

  private putNow(record: Omit<DeviceRecord, 'etag' | 'revision'>, ifMatch: string): DeviceRecord {
    const before = this.records.get(record.name) ?? null;
    checkEtag(`device ${record.name}`, before?.etag ?? null, ifMatch);
    if (before !== null && isDeepStrictEqual({ ...record, etag: before.etag, revision: before.revision }, before)) {
      return before;
    }
    const revision = ++this.current;
    const after = { ...record, etag: revision.toString(36), revision };
    this.records.set(record.name, after);
    this.watchers.tell([{ before, after, revision }]);
    return after;
  }

  private ordered(): DeviceRecord[] {
    return [...this.records.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }
}
