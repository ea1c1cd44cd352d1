/** The use cases of devices, which every door calls. */
import { SluiceError, drainingMessage, invalid, show } from '../core/model/errors.js';
import {
  DEFAULT_SETTINGS,
  checkSimulation,
  patchSettings,
  checkReadCache,
  type DeviceRecord,
  type DeviceSettings,
  type DeviceSettingsPatch,
  type DeviceTarget,
} from '../core/model/device.js';
import { CREATE_ONLY } from '../core/model/etag.js';
import { checkDeviceName } from '../core/model/tag.js';
import type { DeviceFactory, DeviceStore, ServedDevices, ServedState } from '../core/ports.js';
import { checkPageSize, pageToken, readPageToken } from './paging.js';

/** A device as stored, and as this host serves it now. */
export interface DeviceView {
  readonly record: DeviceRecord;
  readonly state: ServedState;
  /** Why it is unavailable; '' otherwise. */
  readonly stateMessage: string;
  readonly sizeBytes: number;
  readonly blockBytes: number;
  readonly readOnly: boolean;
  readonly queued: number;
  readonly outstanding: number;
}

/** How often Update and Drain try again when others change the device meanwhile. */
const TRIES = 5;

export class Devices {
  private readonly store: DeviceStore;
  private readonly served: ServedDevices;
  private readonly factory: DeviceFactory;
  private readonly sharedStore: boolean;

  /** @param sharedStore other hosts serve these devices too */
  constructor(store: DeviceStore, served: ServedDevices, factory: DeviceFactory, sharedStore = false) {
    this.store = store;
    this.served = served;
    this.factory = factory;
    this.sharedStore = sharedStore;
  }

  /**
   * @throws SluiceError ALREADY_EXISTS; NOT_FOUND (no such binding); DEVICE_IO (it does not open:
   * the record is taken back)
   */
  async create(request: {
    readonly name: string;
    readonly target: DeviceTarget;
    readonly settings: DeviceSettingsPatch;
  }): Promise<DeviceView> {
    const { name, target } = request;
    checkDeviceName(name, 'name');
    this.checkTarget(target);
    const settings = this.settings(name, DEFAULT_SETTINGS, request.settings);
    const record = await this.store.put({ name, target, settings, draining: false }, CREATE_ONLY);
    await this.served.settled(name);
    const view = this.view(record);
    if (view.state !== 'unavailable') return view;
    await this.store.delete(name, record.etag);
    await this.served.settled(name);
    throw new SluiceError('DEVICE_IO', `device ${name} does not open: ${view.stateMessage}`);
  }

  /** @throws SluiceError NOT_FOUND */
  async get(name: string): Promise<DeviceView> {
    return this.view(await this.record(name));
  }

  /** By name. */
  async list(query: {
    readonly pageSize: number;
    readonly pageToken: string;
  }): Promise<{ devices: DeviceView[]; nextPageToken: string }> {
    const limit = checkPageSize(query.pageSize);
    const after = readPageToken('devices', query.pageToken, 1)?.[0] ?? '';
    const rest = (await this.store.list()).filter((record) => record.name > after);
    const page = rest.slice(0, limit);
    return {
      devices: page.map((record) => this.view(record)),
      nextPageToken: rest.length > limit ? pageToken('devices', [page.at(-1)!.name]) : '',
    };
  }

  /**
   * Changes the settings that are set; acts on requests already queued.
   * @param etag '' = whatever is there
   * @throws SluiceError NOT_FOUND, ETAG_MISMATCH
   */
  async update(name: string, patch: DeviceSettingsPatch, etag: string): Promise<DeviceView> {
    if (etag === CREATE_ONLY) throw invalid('etag', 'empty or the etag of a device', etag);
    return this.change(name, etag, (record) => ({ ...record, settings: this.settings(name, record.settings, patch) }));
  }

  /** Takes no new requests from now on. The state says when those it has are served. */
  drain(name: string): Promise<DeviceView> {
    return this.change(name, '', (record) => ({ ...record, draining: true }));
  }

  /** @throws SluiceError NOT_FOUND, ETAG_MISMATCH; DRAINING while it has requests left; INVALID_ARGUMENT where it was not drained */
  async delete(name: string, etag: string): Promise<void> {
    if (etag === CREATE_ONLY) throw invalid('etag', 'empty or the etag of a device', etag);
    const { record, state, queued, outstanding } = await this.get(name);
    if (!record.draining) throw invalid(`device ${name}`, 'drained before it is deleted', state);
    if (state === 'draining') {
      const left = String(queued + outstanding);
      throw new SluiceError(
        'DRAINING',
        `${drainingMessage(name)}; it is deleted once the ${left} that it has are served`,
      );
    }
    await this.store.delete(name, etag === '' ? record.etag : etag);
    await this.served.settled(name);
  }

  private settings(name: string, base: DeviceSettings, patch: DeviceSettingsPatch): DeviceSettings {
    const settings = patchSettings(base, patch);
    if (settings.readCacheBytes > 0 && this.served.get(name)?.leased === true) {
      const allowed = '0 for a lease device, whose data does not come by';
      throw invalid('settings.read_cache_bytes', allowed, settings.readCacheBytes);
    }
    if (this.sharedStore) checkReadCache(settings, 'settings.');
    return settings;
  }

  private async change(
    name: string,
    etag: string,
    changed: (record: DeviceRecord) => Omit<DeviceRecord, 'etag' | 'revision'>,
  ): Promise<DeviceView> {
    for (let attempt = 1; ; attempt++) {
      const record = await this.record(name);
      const { target, settings, draining } = changed(record);
      try {
        const put = await this.store.put({ name, target, settings, draining }, etag === '' ? record.etag : etag);
        await this.served.settled(name);
        return this.view(put);
      } catch (error) {
        const retry = etag === '' && SluiceError.from(error).code === 'ETAG_MISMATCH' && attempt < TRIES;
        if (!retry) throw error;
      }
    }
  }

  private async record(name: string): Promise<DeviceRecord> {
    checkDeviceName(name, 'name');
    const record = await this.store.get(name);
    if (record === null) throw new SluiceError('NOT_FOUND', `device ${name} does not exist`, { field: 'name' });
    return record;
  }

  private checkTarget(target: DeviceTarget): void {
    if ('simulation' in target) {
      checkSimulation(target.simulation);
      return;
    }
    const bindings = this.factory.bindings();
    if (bindings.includes(target.binding)) return;
    const there = bindings.length === 0 ? 'this host has none' : `this host has ${bindings.join(', ')}`;
    throw new SluiceError('NOT_FOUND', `binding ${show(target.binding)} does not exist: ${there}`, {
      field: 'binding',
    });
  }

  private view(record: DeviceRecord): DeviceView {
    const served = this.served.get(record.name);
    return {
      record,
      state: served?.state ?? 'unavailable',
      stateMessage: served === undefined ? 'this host does not serve it' : served.stateMessage,
      sizeBytes: served?.sizeBytes ?? 0,
      blockBytes: served?.blockBytes ?? 0,
      readOnly: served?.readOnly ?? false,
      queued: served?.queued ?? 0,
      outstanding: served?.outstanding ?? 0,
    };
  }
}
