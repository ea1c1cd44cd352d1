/** DeviceService over the use cases. */
import { SluiceError, invalid } from '../../core/model/errors.js';
import {
  DEFAULT_SIMULATION,
  type DeviceSettingsPatch,
  type DeviceTarget,
  type SimulationKind,
} from '../../core/model/device.js';
import type { ServedState } from '../../core/ports.js';
import type { CreateDeviceRequest__Output } from '../../wire/gen/sluice/v1/CreateDeviceRequest.js';
import type { Device } from '../../wire/gen/sluice/v1/Device.js';
import type { DeviceServiceHandlers } from '../../wire/gen/sluice/v1/DeviceService.js';
import type { DeviceSettings__Output } from '../../wire/gen/sluice/v1/DeviceSettings.js';
import type { Simulation__Output } from '../../wire/gen/sluice/v1/Simulation.js';
import type { Calls } from './calls.js';
import type { DeviceUseCases, DeviceView } from './use-cases.js';

const STATES = { ready: 1, suspect: 2, draining: 3, drained: 4, unavailable: 5 } as const satisfies Record<
  ServedState,
  number
>;

function toMessage(view: DeviceView): Device {
  const { record, state, stateMessage, sizeBytes, blockBytes, readOnly, queued, outstanding } = view;
  const { name, target, settings, etag } = record;
  return {
    name,
    binding: 'binding' in target ? target.binding : '',
    simulation: 'simulation' in target ? target.simulation : null,
    sizeBytes,
    blockBytes,
    readOnly,
    settings,
    state: STATES[state],
    stateMessage,
    etag,
    queued,
    outstanding,
  };
}

/** What is present; what values are allowed is the use case's to say. */
function toPatch(message: DeviceSettings__Output | null): DeviceSettingsPatch {
  if (message === null) return {};
  const { scheduler, depth, costModel, costUnitBytes, ioTimeoutMs, unknownTags } = message;
  const { maxQueuedRequests, maxQueuedBytes, readCacheBytes, leaseMs, fair, stride } = message;
  return {
    ...present({
      scheduler,
      depth,
      costModel,
      costUnitBytes,
      ioTimeoutMs,
      unknownTags,
      maxQueuedRequests,
      maxQueuedBytes,
      readCacheBytes,
      leaseMs,
    }),
    ...(fair && { fair: present({ credit: fair.credit, idleResetMs: fair.idleResetMs }) }),
    ...(stride && {
      stride: present({
        globalShares: stride.globalShares,
        sleepMs: stride.sleepMs,
        threshold: stride.threshold,
        sleepRule: stride.sleepRule,
      }),
    }),
  };
}

function present(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** A simulation's numbers are 0 where they are left out; no number of it may be 0 but the seed. */
function toSimulation(message: Simulation__Output): DeviceTarget {
  const { sizeBytes, blockBytes, seed, memoryBytesMax } = DEFAULT_SIMULATION;
  return {
    simulation: {
      // What is no kind is refused by name where the simulation is checked.
      kind: message.kind as SimulationKind,
      sizeBytes: message.sizeBytes === 0 ? sizeBytes : message.sizeBytes,
      blockBytes: message.blockBytes === 0 ? blockBytes : message.blockBytes,
      seed: message.seed === 0 ? seed : message.seed,
      memoryBytesMax: message.memoryBytesMax === 0 ? memoryBytesMax : message.memoryBytesMax,
    },
  };
}

function toTarget({ target, binding, simulation }: CreateDeviceRequest__Output): DeviceTarget {
  if (target === 'binding') return { binding: binding ?? '' };
  if (target === 'simulation' && simulation) return toSimulation(simulation);
  throw invalid('target', 'a binding or a simulation', 'neither');
}

export function deviceService(devices: DeviceUseCases, calls: Calls): DeviceServiceHandlers {
  return {
    Create: calls.unary(async (request) =>
      toMessage(
        await devices.create({ name: request.name, target: toTarget(request), settings: toPatch(request.settings) }),
      ),
    ),
    Get: calls.unary(async ({ name }) => toMessage(await devices.get(name))),
    List: calls.unary(async ({ pageSize, pageToken }) => {
      const page = await devices.list({ pageSize, pageToken });
      return { ...page, devices: page.devices.map(toMessage) };
    }),
    Update: calls.unary(async ({ name, settings, etag }) =>
      toMessage(await devices.update(name, toPatch(settings), etag)),
    ),
    Drain: calls.unary(async ({ name }) => toMessage(await devices.drain(name))),
    Delete: calls.unary(async ({ name, etag }) => {
      await devices.delete(name, etag);
      return {};
    }),
    Calibrate: calls.messages(({ name }) =>
      Promise.reject(new SluiceError('UNSUPPORTED', `devices cannot be calibrated in this version, got ${name}`)),
    ),
  };
}
