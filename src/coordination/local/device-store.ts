/** Devices in the memory of this process, and on its disk where it has a place there: the embedded default. */
import { isDeepStrictEqual } from 'node:util';
import { Broadcast } from '../../core/broadcast.js';
import { SluiceError } from '../../core/model/errors.js';
import type { DeviceRecord } from '../../core/model/device.js';
import { checkEtag } from '../../core/model/etag.js';
import type { DeviceEvent, DeviceStore, Watcher } from '../../core/ports.js';
import type { SavedRecords } from './saved-records.js';

export class LocalDeviceStore implements DeviceStore {
  private readonly records = new Map<string, DeviceRecord>();
  private readonly watchers = new Broadcast<DeviceEvent>();
  private current: number;

  private readonly saved: SavedRecords | null;
  /** With a disk, writes are made one after the other. */
  private last: Promise<unknown> = Promise.resolve();

  /** @param firstRevision, saved as of LocalPolicyStore */
  constructor(firstRevision = 0, saved: SavedRecords | null = null) {
    this.saved = saved;
    const { devices, revision } = saved?.savedDevices() ?? { devices: [], revision: 0 };
    for (const record of devices) this.records.set(record.name, record);
    this.current = Math.max(firstRevision, revision);
  }

  get(name: string): Promise<DeviceRecord | null> {
    return Promise.resolve(this.records.get(name) ?? null);
  }

  list(): Promise<DeviceRecord[]> {
    return Promise.resolve(this.ordered());
  }

  put(record: Omit<DeviceRecord, 'etag' | 'revision'>, ifMatch: string): Promise<DeviceRecord> {
    const { saved } = this;
    if (saved === null) return new Promise((resolve) => resolve(this.putNow(record, ifMatch)));
    return this.inTurn(async () => {
      const { before, after } = this.stagePut(record, ifMatch);
      if (after === before) return after;
      await saved.saveDevice(after.name, after, after.revision);
      this.commit({ before, after, revision: after.revision });
      return after;
    });
  }

  delete(name: string, ifMatch: string): Promise<void> {
    const { saved } = this;
    if (saved === null) {
      return new Promise((resolve) => {
        this.commit(this.stageDelete(name, ifMatch));
        resolve();
      });
    }
    return this.inTurn(async () => {
      const event = this.stageDelete(name, ifMatch);
      await saved.saveDevice(name, null, event.revision);
      this.commit(event);
    });
  }

  watch(watcher: Watcher<DeviceEvent>): () => void {
    for (const after of this.ordered()) watcher.event({ before: null, after, revision: after.revision });
    return this.watchers.add(this.current, watcher);
  }

  private inTurn<T>(write: () => Promise<T>): Promise<T> {
    const written = this.last.then(write);
    this.last = written.catch(() => undefined);
    return written;
  }

  private putNow(record: Omit<DeviceRecord, 'etag' | 'revision'>, ifMatch: string): DeviceRecord {
    const { before, after } = this.stagePut(record, ifMatch);
    if (after !== before) this.commit({ before, after, revision: after.revision });
    return after;
  }

  /** `after` is `before` where nothing changes. */
  private stagePut(
    record: Omit<DeviceRecord, 'etag' | 'revision'>,
    ifMatch: string,
  ): { before: DeviceRecord | null; after: DeviceRecord } {
    const before = this.records.get(record.name) ?? null;
    checkEtag(`device ${record.name}`, before?.etag ?? null, ifMatch);
    if (before !== null && isDeepStrictEqual({ ...record, etag: before.etag, revision: before.revision }, before)) {
      return { before, after: before };
    }
    const revision = this.current + 1;
    return { before, after: { ...record, etag: revision.toString(36), revision } };
  }

  private stageDelete(name: string, ifMatch: string): DeviceEvent {
    const before = this.records.get(name);
    if (before === undefined) throw new SluiceError('NOT_FOUND', `device ${name} does not exist`, { field: 'name' });
    checkEtag(`device ${name}`, before.etag, ifMatch);
    return { before, after: null, revision: this.current + 1 };
  }

  private commit(event: DeviceEvent): void {
    this.current = event.revision;
    if (event.after === null) this.records.delete(event.before!.name);
    else this.records.set(event.after.name, event.after);
    this.watchers.tell([event]);
  }

  private ordered(): DeviceRecord[] {
    return [...this.records.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }
}
