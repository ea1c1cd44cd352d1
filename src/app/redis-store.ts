/** The store that many hosts share: policies, devices and the order of requests in Redis. */
import { ExchangeGate } from '../coordination/exchange/gate.js';
import { isInStep } from '../coordination/exchange/modes.js';
import { BindingClaims } from '../coordination/redis/bindings.js';
import { HostRegistry } from '../coordination/redis/host-registry.js';
import { RedisConnection } from '../coordination/redis/connection.js';
import { RedisDeviceStore } from '../coordination/redis/device-store.js';
import { RedisPolicyStore } from '../coordination/redis/policy-store.js';
import { RedisExchange } from '../coordination/redis/transport.js';
import { RedisUsageStore } from '../coordination/redis/usage-store.js';
import type { BlockDevice, Clock, CoordinationNow, DeviceFactory, Gate, Logger } from '../core/ports.js';
import type { DeviceTarget } from '../core/model/device.js';
import { Ledgers } from './ledgers.js';
import { modeOf, type GateNeeds, type Store } from './store.js';
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
  const { config, clock, logger, hostId } = parts;
  const { url, password, tls, restoreMs } = config;
  const connection = await RedisConnection.open({ url, password, tls, logger });
  const options = { connection, clock, logger, schema: SCHEMA, pollMs: POLL_MS, restoreMs, eventsKept: EVENTS_KEPT };
  const policies = new RedisPolicyStore({ ...options, kind: 'policies' });
  const devices = new RedisDeviceStore({ ...options, kind: 'devices' });
  const transport = new RedisExchange(connection);
  const gates = new Map<string, ExchangeGate>();
  const claims = new BindingClaims({
    connection,
    clock,
    logger,
    exists: async (device) => (await devices.get(device)) !== null,
  });
  const usage = new RedisUsageStore({ connection, clock, logger, hostId });
  const ledgers = new Ledgers(clock, undefined, (device, ledger) => usage.follow(device, ledger));
  const coordination = (): CoordinationNow[] => [...gates].flatMap(([device, gate]) => standing(device, gate));
  const registry = new HostRegistry({ connection, clock, hostId, mode: () => modeOf(coordination()) });
  const close = async (): Promise<void> => {
    await usage.close();
    await registry.close();
    claims.close();
    policies.close();
    devices.close();
    // What gates said as they closed frees what this host held; a lease would, later.
    await connection.end();
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
    shared: true,
    ledgers,
    usage,
    seed: async (configured, configuredPolicies) => {
      await policies.seed(configuredPolicies);
      await devices.seed(configured.map((device) => ({ ...device, draining: false })));
    },
    makeGate: (needs: GateNeeds): Gate => {
      const gate = new ExchangeGate({ ...needs, host: hostId, clock, transport, logger, options: config.coordination });
      gates.set(needs.device, gate);
      return gate;
    },
    guard: (factory) => guarded(factory, claims, parts.identities),
    coordination,
    otherHosts: () => registry.others(),
    notes: () => [],
    close,
  };
}

/** Nothing of a gate that is closed. */
function standing(device: string, { membership }: ExchangeGate): CoordinationNow[] {
  const { mode, reason } = membership;
  if (mode === 'closed') return [];
  const inStep = isInStep(mode);
  return [{ device, mode, reason, inStep, serving: inStep || mode === 'outage-continue' }];
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
