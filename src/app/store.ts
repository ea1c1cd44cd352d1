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
import type { ConfiguredDevice, ConfiguredPolicy } from './config.js';
import type { DataDir } from './data-dir.js';
import { Ledgers } from './ledgers.js';

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
  /** Other hosts may serve what this one serves. */
  readonly shared: boolean;
  /** What this host counts. */
  readonly ledgers: Ledgers;
  /** What all hosts of the store have counted. */
  readonly usage: UsageStore;
  /** Puts in what the configuration names and the store never knew; resolves when it is there. */
  seed(devices: readonly ConfiguredDevice[], policies: readonly ConfiguredPolicy[]): Promise<void>;
  makeGate(needs: GateNeeds): Gate;
  /** The factory with what the store has to say of what it opens. */
  guard(factory: DeviceFactory): DeviceFactory;
  /** Empty where there is nothing to coordinate. */
  coordination(): readonly CoordinationNow[];
  /** The other hosts of the store, and how each says it stands. */
  otherHosts(): readonly { readonly id: string; readonly mode: string }[];
  /** What an operator should know and no request fails for, a line each. */
  notes(): readonly string[];
  close(): Promise<void>;
}

/**
 * The embedded default: all in this process, gone with it but for what is saved in a data folder.
 * @param plugIn as of Parts
 * @param data closed with the store
 */
export function memoryStore(clock: Clock, plugIn?: AlgorithmFactory, data: DataDir | null = null): Store {
  const records = data?.folder.records ?? null;
  // Revisions from the wall time on: none of an earlier life of this process is taken for one of this.
  const policies = new LocalPolicyStore(clock.wallMs(), records);
  const devices = new LocalDeviceStore(clock.wallMs(), records);
  const ledgers = new Ledgers(clock, data?.folder.ledgers, (device, ledger) =>
    data?.folder.usage.follow(device, ledger),
  );
  return {
    policies,
    devices,
    shared: false,
    ledgers,
    usage: new LocalUsageStore(() => ledgers.byDevice, clock),
    seed: async (configured, configuredPolicies) => {
      await policies.write(
        configuredPolicies
          .filter(({ device, tag }) => records?.knowsPolicy(device, tag) !== true)
          .map((policy) => ({ ...policy, ifMatch: '' })),
        '',
      );
      for (const device of configured) {
        if (records?.knowsDevice(device.name) === true) continue;
        await devices.put({ ...device, draining: false }, '');
      }
    },
    makeGate: ({ settings, sharesOf }) => new LocalGate(clock, settings, sharesOf, plugIn),
    guard: (factory) => factory,
    coordination: () => [],
    otherHosts: () => [],
    notes: () => data?.folder.notes() ?? [],
    close: async () => {
      await data?.folder.close();
      await data?.release();
    },
  };
}

/** How a host stands, of the device that stands worst. */
export function modeOf(coordination: readonly CoordinationNow[]): string {
  const worst = coordination.find(({ serving }) => !serving) ?? coordination.find(({ inStep }) => !inStep);
  return worst?.mode ?? 'coordinated';
}
