/** Devices over gRPC: what is shared, and how each is scheduled. */
import {
  DEFAULT_SETTINGS,
  DEFAULT_SIMULATION,
  checkSimulation,
  patchSettings,
  type DeviceSettings,
  type DeviceSettingsPatch,
  type Simulation,
} from '../core/model/device.js';
import { checkDeviceName } from '../core/model/tag.js';
import type { Device__Output } from '../wire/gen/sluice/v1/Device.js';
import type { DeviceSettings__Output } from '../wire/gen/sluice/v1/DeviceSettings.js';
import { serviceMethods, type Calls } from './calls.js';

const STATES = ['unspecified', 'ready', 'suspect', 'draining', 'drained', 'unavailable'] as const;
/** `suspect` serves, but has let a request pass its I/O timeout; `unavailable` has no working binding on the host asked. */
export type DeviceState = (typeof STATES)[number];

/** A device as a host sees it. */
export interface Device {
  readonly name: string;
  /** The binding that serves it; '' for a simulation. */
  readonly binding: string;
  readonly sizeBytes: number;
  readonly blockBytes: number;
  readonly readOnly: boolean;
  readonly settings: DeviceSettings;
  readonly state: DeviceState;
  readonly etag: string;
  /** On the host asked, now. */
  readonly queued: number;
  readonly outstanding: number;
}

/** A device to make: a binding that the host's configuration names, or a simulation. */
export type DeviceInput = { readonly name: string; readonly settings?: DeviceSettingsPatch } & (
  { readonly binding: string } | { readonly simulation: Pick<Simulation, 'kind'> & Partial<Simulation> }
);

/** The loader's marks of which optional fields are there are no settings. */
function unmarked(value: object | null | undefined): object {
  return Object.fromEntries(
    value === null || value === undefined ? [] : Object.entries(value).filter(([key]) => !key.startsWith('_')),
  );
}

function settingsFromWire(wire: DeviceSettings__Output | null): DeviceSettings {
  return patchSettings(DEFAULT_SETTINGS, {
    ...unmarked(wire),
    fair: unmarked(wire?.fair),
    stride: unmarked(wire?.stride),
  });
}

function fromWire(device: Device__Output): Device {
  return {
    name: device.name,
    binding: device.binding,
    sizeBytes: device.sizeBytes,
    blockBytes: device.blockBytes,
    readOnly: device.readOnly,
    settings: settingsFromWire(device.settings),
    state: (STATES as readonly (DeviceState | undefined)[])[device.state] ?? 'unspecified',
    etag: device.etag,
    queued: device.queued,
    outstanding: device.outstanding,
  };
}

/** Checked against the defaults: each field alone, whatever the device has now. */
function checkedPatch(patch: DeviceSettingsPatch): DeviceSettingsPatch {
  patchSettings(DEFAULT_SETTINGS, patch);
  return patch;
}

export class DeviceClient {
  private readonly calls: Calls;
  private readonly methods = serviceMethods('DeviceService');

  /** Made by SluiceClient. */
  constructor(calls: Calls) {
    this.calls = calls;
  }

  /** @throws (rejects) SluiceError ALREADY_EXISTS; NOT_FOUND where the host has no such binding */
  async create(device: DeviceInput): Promise<Device> {
    const name = checkDeviceName(device.name, 'name');
    const settings = checkedPatch(device.settings ?? {});
    const target =
      'binding' in device
        ? { binding: device.binding }
        : { simulation: checkSimulation({ ...DEFAULT_SIMULATION, ...device.simulation }) };
    return fromWire(await this.calls.unary(this.methods.Create, { name, settings, ...target }));
  }

  /** @throws (rejects) SluiceError NOT_FOUND */
  async get(name: string): Promise<Device> {
    return fromWire(await this.calls.unary(this.methods.Get, { name: checkDeviceName(name, 'name') }));
  }

  /** Ordered by name; pages are fetched as the loop goes on. */
  async *list(): AsyncGenerator<Device, void> {
    let pageToken = '';
    do {
      const page = await this.calls.unary(this.methods.List, { pageToken });
      for (const device of page.devices) yield fromWire(device);
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
  }

  /** Changes the settings given; acts on requests already queued. @throws (rejects) SluiceError NOT_FOUND, ETAG_MISMATCH */
  async update(name: string, settings: DeviceSettingsPatch, etag = ''): Promise<Device> {
    const request = { name: checkDeviceName(name, 'name'), settings: checkedPatch(settings), etag };
    return fromWire(await this.calls.unary(this.methods.Update, request));
  }

  /** Takes no new requests from now on; poll `get` until its state is `drained`. */
  async drain(name: string): Promise<Device> {
    return fromWire(await this.calls.unary(this.methods.Drain, { name: checkDeviceName(name, 'name') }));
  }

  /** Only a drained device. */
  async delete(name: string, etag = ''): Promise<void> {
    await this.calls.unary(this.methods.Delete, { name: checkDeviceName(name, 'name'), etag });
  }
}
