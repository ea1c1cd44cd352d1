/** From what a record names to a device that checks its contract. */
import { SluiceError, show } from '../core/model/errors.js';
import { checkSimulation, type DeviceTarget, type Simulation } from '../core/model/device.js';
import { HddModel } from '../core/media/hdd.js';
import { SsdModel } from '../core/media/ssd.js';
import type { BlockDevice, Clock, DeviceFactory } from '../core/ports.js';
import { SeededRng } from '../core/rng.js';
import { openFileDevice, type FileSpec } from './file/open.js';
import { CheckedDevice } from './filters/checked.js';
import { NullDevice } from './sim/null-device.js';
import { SimDevice } from './sim/sim-device.js';

/** What a host's configuration binds a name to. */
export type BindingSpec =
  ({ readonly type: 'file' } & FileSpec) | { readonly type: 'simulation'; readonly simulation: Simulation };

/** A device made of a model. @throws SluiceError INVALID_ARGUMENT */
export function makeSimulation(simulation: Simulation, clock: Clock): BlockDevice {
  checkSimulation(simulation);
  const { kind, sizeBytes, blockBytes, seed } = simulation;
  switch (kind) {
    case 'null':
      return new NullDevice(sizeBytes, blockBytes);
    case 'hdd':
      return new SimDevice(clock, new HddModel(sizeBytes, new SeededRng(seed).fork('platters')), simulation);
    case 'ssd':
      return new SimDevice(clock, new SsdModel(), simulation);
  }
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
        return openFileDevice(spec, clock);
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
