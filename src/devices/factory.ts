/** From what a record names to a device that checks its contract. */
import { SluiceError, show } from '../core/model/errors.js';
import { DEFAULT_SIMULATION, checkSimulation, type DeviceTarget, type Simulation } from '../core/model/device.js';
import { HddModel } from '../core/media/hdd.js';
import type { MediaModel } from '../core/media/media-model.js';
import { SsdModel } from '../core/media/ssd.js';
import type { BlockDevice, Clock, DeviceFactory } from '../core/ports.js';
import { SeededRng } from '../core/rng.js';
import { FILE_ENGINES, openFileDevice, type FileSpec } from './file/open.js';
import { CheckedDevice } from './filters/checked.js';
import { DelayDevice } from './filters/delay.js';
import { LeaseDevice } from './lease/lease-device.js';
import { openNbdDevice, type NbdSpec } from './nbd/open.js';
import { NullDevice } from './sim/null-device.js';
import { SimDevice } from './sim/sim-device.js';

export { FILE_ENGINES };

/** Whose times a binding takes on top of its own. */
export const DELAYS = ['hdd', 'ssd'] as const;
type DelayKind = (typeof DELAYS)[number];

/** What a host's configuration binds a name to. */
export type BindingSpec =
  | ({ readonly type: 'file'; readonly delay?: DelayKind } & FileSpec)
  | ({ readonly type: 'nbd'; readonly delay?: DelayKind } & NbdSpec)
  | { readonly type: 'lease'; readonly sizeBytes: number; readonly blockBytes?: number; readonly readOnly?: boolean }
  | { readonly type: 'simulation'; readonly simulation: Simulation };

function mediumOf(kind: DelayKind, sizeBytes: number, seed: number): MediaModel {
  switch (kind) {
    case 'hdd':
      return new HddModel(sizeBytes, new SeededRng(seed).fork('platters'));
    case 'ssd':
      return new SsdModel();
  }
}

/** A device made of a model. @throws SluiceError INVALID_ARGUMENT */
export function makeSimulation(simulation: Simulation, clock: Clock): BlockDevice {
  checkSimulation(simulation);
  const { kind, sizeBytes, blockBytes, seed } = simulation;
  switch (kind) {
    case 'null':
      return new NullDevice(sizeBytes, blockBytes);
    case 'hdd':
    case 'ssd':
      return new SimDevice(clock, mediumOf(kind, sizeBytes, seed), simulation);
  }
}

function delayed(device: BlockDevice, delay: DelayKind | undefined, clock: Clock): BlockDevice {
  if (delay === undefined) return device;
  return new DelayDevice(device, clock, mediumOf(delay, device.sizeBytes, DEFAULT_SIMULATION.seed));
}

/** @throws SluiceError INVALID_ARGUMENT */
function makeLeaseDevice(spec: Extract<BindingSpec, { type: 'lease' }>, clock: Clock): LeaseDevice {
  const { sizeBytes, blockBytes = DEFAULT_SIMULATION.blockBytes, readOnly = false } = spec;
  checkSimulation({ ...DEFAULT_SIMULATION, kind: 'null', sizeBytes, blockBytes }, '');
  return new LeaseDevice({ sizeBytes, blockBytes, readOnly }, clock);
}

export function makeDeviceFactory(bindings: Readonly<Record<string, BindingSpec>>, clock: Clock): DeviceFactory {
  const known = new Map(Object.entries(bindings));
  const names = [...known.keys()].sort();

  async function openBinding(name: string): Promise<BlockDevice> {
    const spec = known.get(name);
    if (spec === undefined) {
      const there = names.length === 0 ? 'it has none' : `it has ${names.join(', ')}`;
      throw new SluiceError('NOT_FOUND', `this host has no binding ${show(name)}: ${there}`, { field: 'binding' });
    }
    switch (spec.type) {
      case 'file':
        return delayed(await openFileDevice(spec, clock), spec.delay, clock);
      case 'nbd':
        return delayed(await openNbdDevice(spec, clock), spec.delay, clock);
      case 'lease':
        return makeLeaseDevice(spec, clock);
      case 'simulation':
        return makeSimulation(spec.simulation, clock);
    }
  }

  return {
    async open(_name: string, target: DeviceTarget): Promise<BlockDevice> {
      const inner = 'binding' in target ? await openBinding(target.binding) : makeSimulation(target.simulation, clock);
      return new CheckedDevice(inner);
    },
    bindings: () => names,
  };
}
