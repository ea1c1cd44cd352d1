/** The store that many hosts share: policies, devices and the order of requests in Redis. */
import { BindingClaims } from '../coordination/redis/bindings.js';
import { RedisConnection } from '../coordination/redis/connection.js';
import { RedisDeviceStore } from '../coordination/redis/device-store.js';
import { RedisPolicyStore } from '../coordination/redis/policy-store.js';
import { LocalUsageStore } from '../coordination/local/usage-store.js';
import { SluiceError } from '../core/model/errors.js';
import type { BlockDevice, Clock, DeviceFactory, Gate, Logger } from '../core/ports.js';
import type { DeviceTarget } from '../core/model/device.js';
import type { GateNeeds, Store } from './store.js';
import type { StoreConfig } from './store-config.js';

const SCHEMA = 1;
const POLL_MS = 1_000;
const EVENTS_KEPT = 10_000;

export interface RedisStoreParts {
  readonly config: StoreConfig;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Unique to the life of this process. */
  readonly hostId: string;
  /** Identity of what this host binds, by name of the binding; absent = not known. */
  readonly identities: Readonly<Record<string, string>>;
}

/** @throws SluiceError STORE_UNAVAILABLE, UNSUPPORTED: see docs/coordination.md for each */
export async function openRedisStore(parts: RedisStoreParts): Promise<Store> {
  const { config, clock, logger } = parts;
  const { url, password, tls, restoreMs } = config;
  const connection = await RedisConnection.open({ url, password, tls, logger });
  const options = { connection, clock, logger, schema: SCHEMA, pollMs: POLL_MS, restoreMs, eventsKept: EVENTS_KEPT };
  const policies = new RedisPolicyStore({ ...options, kind: 'policies' });
  const devices = new RedisDeviceStore({ ...options, kind: 'devices' });
  const claims = new BindingClaims({
    connection,
    clock,
    logger,
    exists: async (device) => (await devices.get(device)) !== null,
  });
  const close = (): Promise<void> => {
    claims.close();
    policies.close();
    devices.close();
    connection.close();
    return Promise.resolve();
  };
  try {
    await policies.start();
    await devices.start();
  } catch (error) {
    await close();
    throw error;
  }
  return {
    policies,
    devices,
    usage: (ledgers) => new LocalUsageStore(ledgers, clock),
    seed: async (configured, configuredPolicies) => {
      await policies.seed(configuredPolicies);
      await devices.seed(configured.map((device) => ({ ...device, draining: false })));
    },
    makeGate: (needs: GateNeeds): Gate => {
      throw new SluiceError('UNSUPPORTED', `device ${needs.device}: no gate for a shared store`);
    },
    guard: (factory) => guarded(factory, claims, parts.identities),
    coordination: () => [],
    close,
  };
}

/** Opens as `factory` does, and refuses what differs from what other hosts have opened by that name. */
function guarded(
  factory: DeviceFactory,
  claims: BindingClaims,
  identities: Readonly<Record<string, string>>,
): DeviceFactory {
  return {
    bindings: () => factory.bindings(),
    open: async (name: string, target: DeviceTarget): Promise<BlockDevice> => {
      const device = await factory.open(name, target);
      const identity = 'binding' in target ? (identities[target.binding] ?? '') : '';
      try {
        await claims.claim(name, { sizeBytes: device.sizeBytes, blockBytes: device.blockBytes, identity });
      } catch (error) {
        await device.close();
        throw error;
      }
      return device;
    },
  };
}
