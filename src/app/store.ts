/** What hosts share, or one keeps to itself: the one place in which the embedded store and Redis differ. */
import { LocalDeviceStore } from '../coordination/local/device-store.js';
import { LocalGate } from '../coordination/local/gate.js';
import { LocalPolicyStore } from '../coordination/local/policy-store.js';
import { LocalUsageStore } from '../coordination/local/usage-store.js';
import type { AlgorithmFactory } from '../core/scheduling/algorithm.js';
import type { DeviceSettings } from '../core/model/device.js';
import type {
  Clock,
  CoordinationNow,
  DeviceFactory,
  DeviceStore,
  Gate,
  PolicyStore,
  SharesOf,
  UsageStore,
} from '../core/ports.js';
import type { Ledger } from '../core/usage.js';
import type { ConfiguredDevice, ConfiguredPolicy } from './config.js';

export interface GateNeeds {
  readonly device: string;
  readonly settings: DeviceSettings;
  readonly sharesOf: SharesOf;
  /** Revision of the policies in force on this host. */
  readonly policyRevision: () => number;
  /** Revision of the device's record on this host. */
  readonly settingsRevision: () => number;
}

export interface Store {
  readonly policies: PolicyStore;
  readonly devices: DeviceStore;
  /** @param ledgers what this host counts, by device */
  usage(ledgers: () => ReadonlyMap<string, Ledger>): UsageStore;
  /** Puts in what the configuration names; resolves when it is there. */
  seed(devices: readonly ConfiguredDevice[], policies: readonly ConfiguredPolicy[]): Promise<void>;
  makeGate(needs: GateNeeds): Gate;
  /** The factory with what the store has to say of what it opens. */
  guard(factory: DeviceFactory): DeviceFactory;
  /** Empty where there is nothing to coordinate. */
  coordination(): readonly CoordinationNow[];
  close(): Promise<void>;
}

/**
 * The embedded default: all in this process, gone with it.
 * @param plugIn as of Parts
 */
export function memoryStore(clock: Clock, plugIn?: AlgorithmFactory): Store {
  // Revisions from the wall time on: none of an earlier life of this process is taken for one of this.
  const policies = new LocalPolicyStore(clock.wallMs());
  const devices = new LocalDeviceStore(clock.wallMs());
  return {
    policies,
    devices,
    usage: (ledgers) => new LocalUsageStore(ledgers, clock),
    seed: async (configured, configuredPolicies) => {
      await policies.write(
        configuredPolicies.map((policy) => ({ ...policy, ifMatch: '' })),
        '',
      );
      for (const device of configured) await devices.put({ ...device, draining: false }, '');
    },
    makeGate: ({ settings, sharesOf }) => new LocalGate(clock, settings, sharesOf, plugIn),
    guard: (factory) => factory,
    coordination: () => [],
    close: () => Promise.resolve(),
  };
}
