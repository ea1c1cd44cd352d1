/**
 * Configuration: raw -> validated -> frozen, once. Defaults < file < environment (`SLUICE_*`) <
 * flags. An unknown key is an error; a message names the key, the value and what is allowed.
 */
import { readFileSync } from 'node:fs';
import { parse as parseYaml } from 'yaml';
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
  checkSimulation,
  patchSettings,
  type DeviceSettings,
  type DeviceTarget,
} from '../core/model/device.js';
import { checkDisk, type DiskSpec } from '../core/model/disk.js';
import { checkPolicy, type PolicyFields } from '../core/model/policy.js';
import { checkDeviceName } from '../core/model/tag.js';
import { KIB, MIB } from '../core/model/units.js';
import { DELAYS } from '../devices/factory.js';
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
    delay: z.enum(DELAYS).optional(),
    uuid: z.string().optional(),
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
  store: z.string().default('memory'),
  workers: int(1, 256).default(1),
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
    })
    .prefault({}),
  doors: z.strictObject({ vhost: z.array(diskSchema).default([]) }).prefault({}),
  bindings: z.record(z.string(), bindingSchema).default({}),
  devices: z.record(z.string(), deviceSchema).default({}),
  policies: z.array(policySchema).default([]),
});

type Raw = z.output<typeof schema>;
export type RawBinding = z.output<typeof bindingSchema>;

/** Environment variables and the keys they set. */
const ENVIRONMENT: Record<string, readonly string[]> = {
  SLUICE_LISTEN_GRPC: ['listen', 'grpc'],
  SLUICE_LISTEN_HTTP: ['listen', 'http'],
  SLUICE_LISTEN_NBD: ['listen', 'nbd'],
  SLUICE_LISTEN_INSECURE: ['listen', 'insecure'],
  SLUICE_STORE: ['store'],
  SLUICE_WORKERS: ['workers'],
  SLUICE_GRACE_MS: ['grace_ms'],
  SLUICE_FENCE_MS: ['fence_ms'],
  SLUICE_LOG_LEVEL: ['log_level'],
};

/** Variables with the prefix that are not configuration of the service. */
const ELSEWHERE = new Set(['SLUICE_CONFIG', 'SLUICE_APT', 'SLUICE_LONG', 'SLUICE_ADDRESS']);

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
  readonly store: 'memory';
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
  };
  /** Disks of virtual machines over vhost-user-blk. */
  readonly disks: readonly DiskSpec[];
  readonly bindings: Readonly<Record<string, RawBinding>>;
  readonly devices: readonly ConfiguredDevice[];
  readonly policies: readonly ConfiguredPolicy[];
}

export interface ConfigSources {
  /** A file that was asked for; it must be there. */
  readonly file: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** By key path, as `{ 'listen.grpc': '127.0.0.1:0' }`. */
  readonly flags: Readonly<Record<string, unknown>>;
}

/** @throws SluiceError INVALID_ARGUMENT or UNSUPPORTED naming the key, the value and what is allowed; NOT_FOUND for the file */
export function loadConfig(sources: ConfigSources): Config {
  const raw = sources.file === undefined ? {} : readConfigFile(sources.file);
  for (const [variable, value] of Object.entries(sources.environment)) {
    if (!variable.startsWith('SLUICE_') || value === undefined || ELSEWHERE.has(variable)) continue;
    const path = ENVIRONMENT[variable];
    if (path === undefined) {
      throw new SluiceError(
        'INVALID_ARGUMENT',
        `environment variable ${variable} is not known; allowed are ${Object.keys(ENVIRONMENT).join(', ')}`,
      );
    }
    setPath(raw, path, fromText(value));
  }
  for (const [key, value] of Object.entries(sources.flags)) {
    if (value !== undefined) setPath(raw, key.split('.'), value);
  }
  const parsed = schema.safeParse(raw, { reportInput: true });
  if (!parsed.success) throw describe(parsed.error);
  return deepFreeze(complete(parsed.data));
}

function readConfigFile(file: string): Record<string, unknown> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new SluiceError('NOT_FOUND', `configuration file ${file} cannot be read: ${(error as Error).message}`);
  }
  let value: unknown;
  try {
    value = parseYaml(text) as unknown;
  } catch (error) {
    throw new SluiceError('INVALID_ARGUMENT', `configuration file ${file} is not YAML: ${(error as Error).message}`);
  }
  if (value === null || value === undefined) return {};
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw invalid(`configuration file ${file}`, 'a mapping of keys', value);
  }
  return value as Record<string, unknown>;
}

/** Text of the environment as YAML would read it: numbers and booleans are what they look like. */
function fromText(text: string): unknown {
  if (text === 'true' || text === 'false') return text === 'true';
  return /^-?\d+$/.test(text) ? Number(text) : text;
}

function setPath(root: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let at = root;
  for (const key of path.slice(0, -1)) {
    const inner = at[key];
    const next = typeof inner === 'object' && inner !== null ? (inner as Record<string, unknown>) : {};
    at[key] = next;
    at = next;
  }
  at[path.at(-1)!] = value;
}

function describe(error: z.ZodError): SluiceError {
  const issue = error.issues[0]!;
  const key = issue.path.map(String).join('.');
  if (issue.code === 'unrecognized_keys') {
    const field = [key, issue.keys[0]].filter((part) => part !== '').join('.');
    return new SluiceError('INVALID_ARGUMENT', `unknown configuration key ${field}`, { field });
  }
  const got = 'input' in issue ? `, got ${show(plain(issue.input))}` : '';
  const message = issue.message.replace(/^Invalid input: e/, 'E').replace(/^Invalid (option|input): /, '');
  return new SluiceError('INVALID_ARGUMENT', `${key}: ${message}${got}`, { field: key });
}

function plain(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : value;
}

function complete(raw: Raw): Config {
  if (raw.store !== 'memory') {
    if (/^rediss?(\+\w+)?:\/\//.test(raw.store)) {
      throw new SluiceError('UNSUPPORTED', `store ${show(raw.store)}: a Redis store is not offered yet, only memory`, {
        field: 'store',
      });
    }
    throw invalid('store', 'memory or redis://HOST:PORT', raw.store);
  }
  if (raw.workers > 1) {
    throw new SluiceError(
      'INVALID_ARGUMENT',
      `workers must be 1 with store memory, got ${String(raw.workers)}: more than one needs a Redis store that they share`,
      { field: 'workers' },
    );
  }
  return {
    listen: {
      grpc: listenAddress(raw.listen.grpc, 'listen.grpc', raw.listen.insecure),
      http: listenAddress(raw.listen.http, 'listen.http', raw.listen.insecure),
      nbd: raw.listen.nbd === undefined ? null : listenSocket(raw.listen.nbd, 'listen.nbd', raw.listen.insecure),
      nbdTls: nbdTls(raw),
      httpReadOnly: raw.listen.http_read_only,
      insecure: raw.listen.insecure,
    },
    store: 'memory',
    graceMs: raw.grace_ms,
    fenceMs: raw.fence_ms,
    logLevel: raw.log_level,
    limits: {
      maxIoBytes: raw.limits.max_io_bytes,
      maxFrameBytes: raw.limits.max_frame_bytes,
      maxHandles: raw.limits.max_handles,
      maxStreams: raw.limits.max_streams,
      handleRequests: raw.limits.handle_requests,
      handleBytes: raw.limits.handle_bytes,
    },
    disks: raw.doors.vhost.map((disk, i) => checkDisk(disk, `doors.vhost.${String(i)}`)),
    bindings: raw.bindings,
    devices: Object.entries(raw.devices).map(([name, device]) => completeDevice(name, device, raw)),
    policies: raw.policies.map((policy) => {
      const { device, tag, ...rest } = policy;
      const fields = camelKeys(rest) as PolicyFields;
      checkPolicy(device, tag, fields);
      return { device, tag, fields };
    }),
  };
}

function completeDevice(name: string, device: z.output<typeof deviceSchema>, raw: Raw): ConfiguredDevice {
  const at = `devices.${name}`;
  checkDeviceName(name, at);
  const { binding, simulation, ...settings } = device;
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
  return { name, target, settings: patchSettings(DEFAULT_SETTINGS, camelKeys(settings), `${at}.`) };
}

/** `{ cost_unit_bytes: 1 }` -> `{ costUnitBytes: 1 }`, at every level, without absent values. */
function camelKeys(value: object): object {
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
