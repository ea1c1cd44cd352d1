/** Values of the model as the JSON of the proto, and back. */
import { z } from 'zod';
import type { DeviceView } from '../../control/devices.js';
import type { PolicyChange } from '../../control/policy-change.js';
import {
  DEFAULT_SIMULATION,
  type DeviceSettingsPatch,
  type DeviceTarget,
  type SimulationKind,
} from '../../core/model/device.js';
import { invalid } from '../../core/model/errors.js';
import { ANY_DEVICE, POLICY_FIELDS, type Policy, type PolicyFields } from '../../core/model/policy.js';
import { OP_NAMES } from '../../core/model/request.js';
import type { TagSummary, UsageRow } from '../../core/model/usage.js';
import type { ServedState } from '../../core/ports.js';
import type * as schemas from './schemas.js';

/** The default device in a path, where `*` is no fit. */
const ANY_DEVICE_IN_PATH = '-';

export function deviceOf(name: string): string {
  return name === ANY_DEVICE_IN_PATH ? ANY_DEVICE : name;
}

type Json<T extends z.ZodType> = z.output<T>;

export function policyJson(policy: Policy): Json<typeof schemas.Policy> {
  const { device, tag, etag } = policy;
  return { device, tag, ...policyFields(policy), etag };
}

export function policyFields(from: { readonly [K in keyof PolicyFields]: PolicyFields[K] | undefined }): PolicyFields {
  return Object.fromEntries(POLICY_FIELDS.filter((key) => from[key] !== undefined).map((key) => [key, from[key]]));
}

const KINDS = {
  created: 'CHANGE_KIND_CREATED',
  updated: 'CHANGE_KIND_UPDATED',
  deleted: 'CHANGE_KIND_DELETED',
} as const satisfies Record<PolicyChange['kind'], string>;

export function changeJson(change: PolicyChange): Json<typeof schemas.Applied>['changes'][number] {
  return {
    kind: KINDS[change.kind],
    ...(change.before !== null && { before: policyJson(change.before) }),
    ...(change.after !== null && { after: policyJson(change.after) }),
    revision: String(change.revision),
  };
}

const STATES = {
  ready: 'DEVICE_STATE_READY',
  suspect: 'DEVICE_STATE_SUSPECT',
  draining: 'DEVICE_STATE_DRAINING',
  drained: 'DEVICE_STATE_DRAINED',
  unavailable: 'DEVICE_STATE_UNAVAILABLE',
} as const satisfies Record<ServedState, string>;

export function deviceJson(view: DeviceView): Json<typeof schemas.Device> {
  const { name, target, settings, etag } = view.record;
  const simulation = 'simulation' in target ? target.simulation : null;
  return {
    name,
    binding: 'binding' in target ? target.binding : '',
    ...(simulation !== null && {
      simulation: {
        kind: simulation.kind,
        sizeBytes: String(simulation.sizeBytes),
        blockBytes: simulation.blockBytes,
        seed: String(simulation.seed),
        memoryBytesMax: String(simulation.memoryBytesMax),
      },
    }),
    sizeBytes: String(view.sizeBytes),
    blockBytes: view.blockBytes,
    readOnly: view.readOnly,
    settings: {
      ...settings,
      maxQueuedBytes: String(settings.maxQueuedBytes),
      readCacheBytes: String(settings.readCacheBytes),
    },
    state: STATES[view.state],
    stateMessage: view.stateMessage,
    etag,
    queued: view.queued,
    outstanding: view.outstanding,
  };
}

type DeviceBody = Json<typeof schemas.DeviceIn>;

/** Null where the body names none. */
export function targetOf({ binding, simulation }: DeviceBody): DeviceTarget | null {
  if (simulation === undefined) return binding === undefined || binding === '' ? null : { binding };
  if (binding !== undefined && binding !== '') throw invalid('binding', 'absent beside simulation', binding);
  const given = Object.fromEntries(Object.entries(simulation).filter(([, value]) => value !== undefined));
  // What is no kind is refused by name where the simulation is checked.
  return { simulation: { ...DEFAULT_SIMULATION, ...given, kind: simulation.kind as SimulationKind } };
}

/** What is present; what values are allowed is the use case's to say. */
export function settingsOf(settings: DeviceBody['settings']): DeviceSettingsPatch {
  return (settings ?? {}) as DeviceSettingsPatch;
}

export function rowJson(row: UsageRow): Json<typeof schemas.UsageRows>['rows'][number] {
  return {
    device: row.device,
    tag: row.tag,
    startMs: String(row.startMs),
    endMs: String(row.endMs),
    ops: row.ops.map((op) => ({
      op: `OP_${OP_NAMES[op.op]}` as const,
      count: String(op.count),
      errors: String(op.errors),
      bytes: String(op.bytes),
      cost: op.cost,
      cacheHits: String(op.cacheHits),
      queueUsSum: op.queueUsSum,
      serviceUsSum: op.serviceUsSum,
    })),
    queueUs: row.queueUs,
    serviceUs: row.serviceUs,
  };
}

export function tagJson(summary: TagSummary): Json<typeof schemas.TagList>['tags'][number] {
  return { device: summary.device, tag: summary.tag, lastSeenMs: String(summary.lastSeenMs) };
}
