/**
 * Joins the parts behind the doors: stores, policies in force, gates, dispatchers, usage, use
 * cases. The service calls it with the real clock, the simulator with the virtual one; there is no
 * second scheduler.
 */
import { Devices } from '../control/devices.js';
import { Policies } from '../control/policies.js';
import { PolicyView } from '../control/policy-view.js';
import { Usage } from '../control/usage.js';
import { Host } from '../core/host.js';
import type { Ledger } from '../core/usage.js';
import { NS_PER_S } from '../core/model/units.js';
import type { AlgorithmFactory } from '../core/scheduling/algorithm.js';
import type { Clock, CoordinationNow, DeviceFactory, IoObserver, Logger } from '../core/ports.js';
import type { ConfiguredDevice, ConfiguredPolicy } from './config.js';
import { memoryStore, type Store } from './store.js';

/** How long a device that holds on to requests is waited for at the end. */
const CLOSE_WAIT_NS = NS_PER_S;

export interface Parts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly factory: DeviceFactory;
  /** Put into the stores before anything is served. */
  readonly devices: readonly ConfiguredDevice[];
  readonly policies: readonly ConfiguredPolicy[];
  /** With the store in memory: schedules every device in place of what its settings name: how experiments bring algorithms of their own. */
  readonly plugIn?: AlgorithmFactory;
  readonly observer?: IoObserver | null;
  /** In memory where it is not given; closed with the rest. */
  readonly store?: Store;
}

export interface Assembled {
  readonly host: Host;
  readonly policies: Policies;
  readonly devices: Devices;
  readonly usage: Usage;
  /** What this host counts, by device. */
  readonly ledgers: ReadonlyMap<string, Ledger>;
  /** How this host stands with others; empty where it is alone. */
  readonly coordination: () => readonly CoordinationNow[];
  /** Devices first, then what feeds them. @returns the devices that did not give back what they hold in time */
  close(): Promise<readonly string[]>;
}

export async function assemble(parts: Parts): Promise<Assembled> {
  const { clock, logger, store = memoryStore(parts.clock, parts.plugIn) } = parts;
  const factory = store.guard(parts.factory);
  const inForce = new PolicyView(store.policies);
  await inForce.start();
  const host: Host = new Host({
    clock,
    logger,
    deviceStore: store.devices,
    policies: inForce,
    factory,
    makeGate: (record, sharesOf) =>
      store.makeGate({
        device: record.name,
        settings: record.settings,
        sharesOf,
        policyRevision: () => inForce.revision,
        settingsRevision: () => host.get(record.name)?.record.revision ?? record.revision,
      }),
    observer: parts.observer ?? null,
    ledgerOf: (device) => store.ledgers.of(device),
  });
  await store.seed(parts.devices, parts.policies);
  await host.start();
  return {
    host,
    policies: new Policies(store.policies, clock),
    devices: new Devices(store.devices, host, factory, store.shared),
    usage: new Usage(store.usage, clock),
    ledgers: store.ledgers.byDevice,
    coordination: () => store.coordination(),
    close: async () => {
      const hung = await host.close(CLOSE_WAIT_NS);
      inForce.close();
      await store.close();
      return hung;
    },
  };
}
