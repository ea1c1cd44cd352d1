/** Options of a client: raw -> checked -> frozen, once. */
import { credentials as grpcCredentials, type ChannelCredentials } from '@grpc/grpc-js';
import { SluiceError, invalid, show } from '../core/model/errors.js';
import { MIB } from '../core/model/units.js';
import type { ResendWrites } from './doubt.js';
import type { ConnectionEvent } from './status-events.js';
import { SYSTEM_CLOCK, SYSTEM_RNG, type Clock, type Rng } from './world.js';

export interface ClientOptions {
  /** Longest wait for a stream: at connect, and after it was lost, before requests fail; ms. Default 30,000. */
  readonly maxOutageMs?: number;
  /** Longest wait for one host's welcome; ms. Default 5,000. */
  readonly dialTimeoutMs?: number;
  /** Wait before the first dial after a loss, half of it at random; doubles with each round over the addresses; ms. Default 50. */
  readonly backoffInitialMs?: number;
  /** Longest wait between dials; ms. Default 5,000. */
  readonly backoffMaxMs?: number;
  /** What becomes of writes whose stream ended when no host remembers them. Default `fenced`. */
  readonly resendWrites?: ResendWrites;
  /**
   * Says that the hosts share what they have written, as two processes do that use one file through
   * one kernel: a FLUSH on a new host then counts for writes that the old one answered. Default false.
   */
  readonly flushSpansHosts?: boolean;
  /** Most requests not answered yet, over all handles. Default 65,536. */
  readonly maxPendingRequests?: number;
  /** Most bytes of reads and writes not answered yet, over all handles. Default 256 MiB. */
  readonly maxPendingBytes?: number;
  /** Longest silence on a connection before it is probed, and longest wait for the answer; ms. Default 10,000. */
  readonly keepaliveMs?: number;
  /** Longest wait for a call other than the stream: policies, devices, usage, submitOnce; ms. Default 30,000. */
  readonly callTimeoutMs?: number;
  /** Default: no transport security, for loopback. */
  readonly credentials?: ChannelCredentials;
  /** Sent with every call, such as `{ authorization: 'Bearer …' }`. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Told when a stream is welcomed, lost or sent away. */
  readonly onConnection?: (event: ConnectionEvent) => void;
  /** Time and randomness for back-off, fences and timeouts. Default: the machine's. */
  readonly clock?: Clock;
  readonly rng?: Rng;
}

export type CheckedOptions = Required<Omit<ClientOptions, 'onConnection'>> & {
  readonly addresses: readonly string[];
  readonly onConnection: (event: ConnectionEvent) => void;
};

const HOUR_MS = 3_600_000;

/** Ranges of the numbers, and what they are by default. */
const NUMBERS = {
  maxOutageMs: { min: 1, max: 24 * HOUR_MS, standard: 30_000 },
  dialTimeoutMs: { min: 1, max: HOUR_MS, standard: 5_000 },
  backoffInitialMs: { min: 1, max: HOUR_MS, standard: 50 },
  backoffMaxMs: { min: 1, max: HOUR_MS, standard: 5_000 },
  maxPendingRequests: { min: 1, max: 1_048_576, standard: 65_536 },
  maxPendingBytes: { min: MIB, max: 2 ** 40, standard: 256 * MIB },
  keepaliveMs: { min: 100, max: HOUR_MS, standard: 10_000 },
  callTimeoutMs: { min: 1, max: HOUR_MS, standard: 30_000 },
} as const;
type NumberName = keyof typeof NUMBERS;

const KNOWN = new Set<string>([
  ...Object.keys(NUMBERS),
  'resendWrites',
  'flushSpansHosts',
  'credentials',
  'metadata',
  'onConnection',
  'clock',
  'rng',
]);

function numbers(options: ClientOptions): Record<NumberName, number> {
  const checked = {} as Record<NumberName, number>;
  for (const name of Object.keys(NUMBERS) as NumberName[]) {
    const { min, max, standard } = NUMBERS[name];
    const value = options[name] ?? standard;
    if (!Number.isInteger(value) || value < min || value > max) {
      throw invalid(`options.${name}`, `an integer ${String(min)}..${String(max)}`, value);
    }
    checked[name] = value;
  }
  return checked;
}

function addressList(addresses: unknown): readonly string[] {
  const list: readonly unknown[] = Array.isArray(addresses) ? addresses : [addresses];
  if (list.length === 0) throw invalid('addresses', 'at least one HOST:PORT', 'none');
  for (const address of list) {
    if (typeof address !== 'string' || address.trim() === '') {
      throw invalid('addresses', 'HOST:PORT or unix:PATH', address);
    }
  }
  return Object.freeze([...new Set(list as readonly string[])]);
}

/** @throws SluiceError INVALID_ARGUMENT that names the option */
export function checkOptions(addresses: string | readonly string[], options: ClientOptions): CheckedOptions {
  for (const key of Object.keys(options)) {
    if (!KNOWN.has(key)) {
      const known = [...KNOWN].join(', ');
      throw new SluiceError('INVALID_ARGUMENT', `options has no ${show(key)}; it may have ${known}`, {
        field: `options.${key}`,
      });
    }
  }
  const resendWrites: unknown = options.resendWrites ?? 'fenced';
  if (resendWrites !== 'fenced' && resendWrites !== 'never') {
    throw invalid('options.resendWrites', 'fenced or never', resendWrites);
  }
  return Object.freeze({
    ...numbers(options),
    addresses: addressList(addresses),
    resendWrites,
    flushSpansHosts: options.flushSpansHosts ?? false,
    credentials: options.credentials ?? grpcCredentials.createInsecure(),
    metadata: Object.freeze({ ...options.metadata }),
    onConnection: options.onConnection ?? (() => undefined),
    clock: options.clock ?? SYSTEM_CLOCK,
    rng: options.rng ?? SYSTEM_RNG,
  });
}
