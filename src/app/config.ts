/**
 * Configuration: raw -> validated -> frozen, once. Defaults < file < environment (`SLUICE_*`) <
 * flags. An unknown key is an error; a message names the key, the value and what is allowed.
 */
import { z } from 'zod';
import { SluiceError, invalid, show } from '../core/model/errors.js';
import {
  COST_MODELS,
  DEFAULT_SETTINGS,
  DEFAULT_SIMULATION,
  SCHEDULERS,
  SIMULATION_KINDS,
  SLEEP_RULES,
  UNKNOWN_TAGS,
  checkReadCache,
  checkSimulation,
  patchSettings,
  type DeviceSettings,
  type DeviceTarget,
} from '../core/model/device.js';
import { checkDisk, type DiskSpec } from '../core/model/disk.js';
import { checkPolicy, type PolicyFields } from '../core/model/policy.js';
import { checkDeviceName } from '../core/model/tag.js';
import type { TracingOptions } from '../telemetry/tracing.js';
import { KIB, MIB } from '../core/model/units.js';
import { DELAYS, FILE_ENGINES } from '../devices/factory.js';
import { NBD_BYTES_MIN } from '../doors/nbd/memory-budget.js';
import { describe, mergeSources, type ConfigSources } from './config-sources.js';
import { completeStore, storeShape, type StoreConfig } from './store-config.js';
import { parseAddress, parseSocketAddress, type Address, type SocketAddress } from './address.js';

const int = (min: number, max: number): z.ZodNumber => z.number().int().min(min).max(max);

const settingsShape = {
  scheduler: z.enum(SCHEDULERS).optional(),
  depth: z.number().optional(),
  cost_model: z.enum(COST_MODELS).optional(),
  cost_unit_bytes: z.number().optional(),
  io_timeout_ms: z.number().optional(),
  unknown_tags: z.enum(UNKNOWN_TAGS).optional(),
  max_queued_requests: z.number().optional(),
  max_queued_bytes: z.number().optional(),
  read_cache_bytes: z.number().optional(),
  lease_ms: z.number().optional(),
  fair: z.strictObject({ credit: z.number().optional(), idle_reset_ms: z.number().optional() }).optional(),
  stride: z
    .strictObject({
      global_shares: z.number().optional(),
      sleep_ms: z.number().optional(),
      threshold: z.number().optional(),
      sleep_rule: z.enum(SLEEP_RULES).optional(),
    })
    .optional(),
};

const deviceSchema = z.strictObject({
  binding: z.string().optional(),
  simulation: z
    .strictObject({
      kind: z.enum(SIMULATION_KINDS),
      size_bytes: z.number().optional(),
      block_bytes: z.number().optional(),
      seed: z.number().optional(),
      memory_bytes_max: z.number().optional(),
    })
    .optional(),
  ...settingsShape,
});

const bindingSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('file'),
    path: z.string().min(1),
    size_bytes: z.number().int().positive().optional(),
    create: z.boolean().optional(),
    read_only: z.boolean().optional(),
    block_bytes: z.number().optional(),
    direct: z.boolean().optional(),
    shared: z.boolean().optional(),
    delay: z.enum(DELAYS).optional(),
    engine: z.enum(FILE_ENGINES).optional(),
    uuid: z.string().optional(),
  }),
  z.strictObject({
    type: z.literal('lease'),
    size_bytes: z.number(),
    block_bytes: z.number().optional(),
    read_only: z.boolean().optional(),
    uuid: z.string().optional(),
  }),
  z.strictObject({
    type: z.literal('nbd'),
    uri: z.string().min(1),
    connections: z.number().optional(),
    read_only: z.boolean().optional(),
    block_bytes: z.number().optional(),
    size_bytes: z.number().int().positive().optional(),
    description: z.string().optional(),
    fence_ms: z.number().optional(),
    reconnect_ms_max: z.number().optional(),
    tls: z
      .strictObject({
        ca: z.string().min(1).optional(),
        cert: z.string().min(1).optional(),
        key: z.string().min(1).optional(),
        server_name: z.string().min(1).optional(),
      })
      .optional(),
    delay: z.enum(DELAYS).optional(),
  }),
]);

const diskSchema = z.strictObject({
  socket: z.string(),
  device: z.string(),
  tag: z.string(),
  map: z.record(z.string(), z.string()).default({}),
});

const policySchema = z.strictObject({
  device: z.string(),
  tag: z.string(),
  shares: z.number().optional(),
  self_shares: z.number().optional(),
  reservation_per_s: z.number().optional(),
  limit_per_s: z.number().optional(),
  burst: z.number().optional(),
});

const schema = z.strictObject({
  listen: z
    .strictObject({
      grpc: z.string().default('127.0.0.1:50051'),
      http: z.string().default('127.0.0.1:8080'),
      nbd: z.string().optional(),
      nbd_tls: z
        .strictObject({ cert: z.string().min(1), key: z.string().min(1), ca: z.string().min(1).optional() })
        .optional(),
      http_read_only: z.boolean().default(false),
      insecure: z.boolean().default(false),
    })
    .prefault({}),
  ...storeShape,
  grace_ms: int(0, 600_000).default(10_000),
  fence_ms: int(0, 600_000).default(5_000),
  log_level: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  limits: z
    .strictObject({
      max_io_bytes: int(4 * KIB, 32 * MIB).default(MIB),
      max_frame_bytes: int(8 * KIB, 64 * MIB).default(2 * MIB),
      max_handles: int(1, 1_048_576).default(1_024),
      max_streams: int(1, 65_536).default(1_024),
      handle_requests: int(1, 65_536).default(256),
      handle_bytes: int(4 * KIB, 2 ** 31 - 1).default(8 * MIB),
      nbd_bytes: int(NBD_BYTES_MIN, 2 ** 40).default(256 * MIB),
    })
    .prefault({}),
  tracing: z
    .strictObject({ endpoint: z.url({ protocol: /^https?$/ }), sample_every: int(1, 1_000_000_000).default(1_000) })
    .optional(),
  doors: z.strictObject({ vhost: z.array(diskSchema).default([]) }).prefault({}),
  bindings: z.record(z.string(), bindingSchema).default({}),
  devices: z.record(z.string(), deviceSchema).default({}),
  policies: z.array(policySchema).default([]),
});

type Raw = z.output<typeof schema>;
export type RawBinding = z.output<typeof bindingSchema>;

export interface ConfiguredDevice {
  readonly name: string;
  readonly target: DeviceTarget;
  readonly settings: DeviceSettings;
}

export interface ConfiguredPolicy {
  readonly device: string;
  readonly tag: string;
  readonly fields: PolicyFields;
}

export interface NbdTlsFiles {
  readonly cert: string;
  readonly key: string;
  readonly ca?: string | undefined;
}

export interface Config {
  readonly listen: {
    readonly grpc: Address;
    readonly http: Address;
    /** null = no NBD door. */
    readonly nbd: SocketAddress | null;
    /** Files in PEM; where it is set NBD clients must use TLS, with `ca` also with a certificate of it. */
    readonly nbdTls: NbdTlsFiles | null;
    /** Changes over HTTP, the dashboard's too, are refused; gRPC takes them. */
    readonly httpReadOnly: boolean;
    readonly insecure: boolean;
  };
  /** `memory`, or the URL of the shared one without user and password. */
  readonly store: string;
  /** null = memory. */
  readonly redis: StoreConfig | null;
  /** Where the store in memory outlives the process; null = nowhere. */
  readonly dataDir: string | null;
  /** Processes that share the ports, each a host. */
  readonly workers: number;
  /** Longest that a stop waits for what is in flight. */
  readonly graceMs: number;
  /** After this long without its stream a write of a client can no longer reach a device. */
  readonly fenceMs: number;
  readonly logLevel: Raw['log_level'];
  readonly limits: {
    readonly maxIoBytes: number;
    readonly maxFrameBytes: number;
    readonly maxHandles: number;
    readonly maxStreams: number;
    readonly handleRequests: number;
    readonly handleBytes: number;
    /** Memory of all clients of the NBD door together. */
    readonly nbdBytes: number;
  };
  /** null = no traces. */
  readonly tracing: TracingOptions | null;
  /** Disks of virtual machines over vhost-user-blk. */
  readonly disks: readonly DiskSpec[];
  readonly bindings: Readonly<Record<string, RawBinding>>;
  readonly devices: readonly ConfiguredDevice[];
  readonly policies: readonly ConfiguredPolicy[];
}

/** @throws SluiceError INVALID_ARGUMENT or UNSUPPORTED naming the key, the value and what is allowed; NOT_FOUND for the file */
export function loadConfig(sources: ConfigSources): Config {
  const parsed = schema.safeParse(mergeSources(sources), { reportInput: true });
  if (!parsed.success) throw describe(parsed.error);
  return deepFreeze(complete(parsed.data));
}

function complete(raw: Raw): Config {
  const redis = completeStore(raw);
  checkShared(raw, redis);
  return {
    listen: {
      grpc: listenAddress(raw.listen.grpc, 'listen.grpc', raw.listen.insecure),
      http: listenAddress(raw.listen.http, 'listen.http', raw.listen.insecure),
      nbd: raw.listen.nbd === undefined ? null : listenSocket(raw.listen.nbd, 'listen.nbd', raw.listen.insecure),
      nbdTls: nbdTls(raw),
      httpReadOnly: raw.listen.http_read_only,
      insecure: raw.listen.insecure,
    },
    store: redis?.url.shown ?? 'memory',
    redis,
    dataDir: raw.data_dir ?? null,
    workers: raw.workers,
    graceMs: raw.grace_ms,
    fenceMs: fenceMs(raw.fence_ms, redis),
    logLevel: raw.log_level,
    limits: {
      maxIoBytes: raw.limits.max_io_bytes,
      maxFrameBytes: raw.limits.max_frame_bytes,
      maxHandles: raw.limits.max_handles,
      maxStreams: raw.limits.max_streams,
      handleRequests: raw.limits.handle_requests,
      handleBytes: raw.limits.handle_bytes,
      nbdBytes: raw.limits.nbd_bytes,
    },
    tracing:
      raw.tracing === undefined ? null : { endpoint: raw.tracing.endpoint, sampleEvery: raw.tracing.sample_every },
    disks: raw.doors.vhost.map((disk, i) => checkDisk(disk, `doors.vhost.${String(i)}`)),
    bindings: raw.bindings,
    devices: Object.entries(raw.devices).map(([name, device]) => completeDevice(name, device, raw, redis !== null)),
    policies: raw.policies.map((policy) => {
      const { device, tag, ...rest } = policy;
      const fields = camelKeys(rest) as PolicyFields;
      checkPolicy(device, tag, fields);
      return { device, tag, fields };
    }),
  };
}

/**
 * With a shared store no shorter than a host may believe in its lease: a quarter more, for a write that it
 * took must not be sent elsewhere while it may still send it.
 */
function fenceMs(configured: number, redis: StoreConfig | null): number {
  return redis === null ? configured : Math.max(configured, Math.ceil(redis.coordination.leaseMs * 1.25));
}

/** A file that others use is in order only where they and this host take turns by one store. */
function checkShared(raw: Raw, redis: StoreConfig | null): void {
  for (const [name, binding] of Object.entries(raw.bindings)) {
    if (redis !== null || !('shared' in binding) || binding.shared !== true) continue;
    throw new SluiceError(
      'INVALID_ARGUMENT',
      `bindings.${name}.shared must be false with store memory, got true: hosts that share it take turns by a Redis store`,
      { field: `bindings.${name}.shared` },
    );
  }
}

function completeDevice(
  name: string,
  device: z.output<typeof deviceSchema>,
  raw: Raw,
  sharedStore: boolean,
): ConfiguredDevice {
  const at = `devices.${name}`;
  checkDeviceName(name, at);
  const { binding, simulation, ...rest } = device;
  if ((binding === undefined) === (simulation === undefined)) {
    throw new SluiceError('INVALID_ARGUMENT', `${at} must have either binding or simulation`, { field: at });
  }
  if (binding !== undefined && !(binding in raw.bindings)) {
    throw invalid(`${at}.binding`, `one of ${Object.keys(raw.bindings).join(', ') || '(none configured)'}`, binding);
  }
  const target: DeviceTarget =
    binding !== undefined
      ? { binding }
      : {
          simulation: checkSimulation(
            { ...DEFAULT_SIMULATION, ...(camelKeys(simulation!) as { kind: 'hdd' }) },
            `${at}.simulation.`,
          ),
        };
  const settings = patchSettings(DEFAULT_SETTINGS, camelKeys(rest), `${at}.`);
  if (sharedStore) checkReadCache(settings, `${at}.`);
  return { name, target, settings };
}

/** `{ cost_unit_bytes: 1 }` -> `{ costUnitBytes: 1 }`, at every level, without absent values. */
export function camelKeys(value: object): object {
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, inner]) => inner !== undefined)
      .map(([key, inner]: [string, unknown]) => [
        key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
        typeof inner === 'object' && inner !== null ? camelKeys(inner) : inner,
      ]),
  );
}

function nbdTls(raw: Raw): NbdTlsFiles | null {
  const { nbd, nbd_tls: files } = raw.listen;
  if (files === undefined) return null;
  if (nbd === undefined) {
    throw new SluiceError('INVALID_ARGUMENT', 'listen.nbd_tls must come with listen.nbd, which is not set', {
      field: 'listen.nbd_tls',
    });
  }
  return files;
}

function listenSocket(text: string, field: string, insecure: boolean): SocketAddress {
  return text.startsWith('unix:') ? parseSocketAddress(text, field) : listenAddress(text, field, insecure);
}

function listenAddress(text: string, field: string, insecure: boolean): Address {
  const address = parseAddress(text, field);
  if (!address.loopback && !insecure) {
    throw new SluiceError(
      'INVALID_ARGUMENT',
      `${field} must be a loopback address, or listen.insecure true (nobody is authenticated yet), got ${show(text)}`,
      { field },
    );
  }
  return address;
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}
