/**
 * Joins the parts behind the doors: stores, policies in force, gates, dispatchers, usage, use
 * cases. The service calls it with the real clock, the simulator with the virtual one; there is no
 * second scheduler.
 */
import { Devices } from '../control/devices.js';
import { Policies } from '../control/policies.js';
import { PolicyView } from '../control/policy-view.js';
import { Usage } from '../control/usage.js';
import { LocalGate } from '../coordination/local/gate.js';
import { LocalDeviceStore } from '../coordination/local/device-store.js';
import { LocalPolicyStore } from '../coordination/local/policy-store.js';
import { LocalUsageStore } from '../coordination/local/usage-store.js';
import { Host } from '../core/host.js';
import { Ledger } from '../core/usage.js';
import { NS_PER_S } from '../core/model/units.js';
import type { AlgorithmFactory } from '../core/scheduling/algorithm.js';
import type { Clock, DeviceFactory, Logger } from '../core/ports.js';
import type { ConfiguredDevice, ConfiguredPolicy } from './config.js';

/** How long a device that holds on to requests is waited for at the end. */
const CLOSE_WAIT_NS = NS_PER_S;

export interface Parts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly factory: DeviceFactory;
  /** Put into the stores before anything is served. */
  readonly devices: readonly ConfiguredDevice[];
  readonly policies: readonly ConfiguredPolicy[];
  /** Schedules every device in place of what its settings name: how experiments bring algorithms of their own. */
  readonly plugIn?: AlgorithmFactory;
}

export interface Assembled {
  readonly host: Host;
  readonly policies: Policies;
  readonly devices: Devices;
  readonly usage: Usage;
  /** What this host counts, by device. */
  readonly ledgers: ReadonlyMap<string, Ledger>;
  /** Devices first, then what feeds them. @returns the devices that did not give back what they hold in time */
  close(): Promise<readonly string[]>;
}

export async function assemble(parts: Parts): Promise<Assembled> {
  const { clock, logger, factory } = parts;
  // Revisions from the wall time on: none of an earlier life of this process is taken for one of this.
  const policyStore = new LocalPolicyStore(clock.wallMs());
  const deviceStore = new LocalDeviceStore(clock.wallMs());
  const ledgers = new Map<string, Ledger>();
  const usageStore = new LocalUsageStore(() => ledgers, clock);
  const inForce = new PolicyView(policyStore);
  await inForce.start();
  const host = new Host({
    clock,
    logger,
    deviceStore,
    policies: inForce,
    factory,
    makeGate: (_device, settings, sharesOf) => new LocalGate(clock, settings, sharesOf, parts.plugIn),
    ledgerOf: (device) => {
      let ledger = ledgers.get(device);
      if (ledger === undefined) ledgers.set(device, (ledger = new Ledger(clock)));
      return ledger;
    },
  });
  await policyStore.write(
    parts.policies.map((policy) => ({ ...policy, ifMatch: '' })),
    '',
  );
  for (const device of parts.devices) await deviceStore.put({ ...device, draining: false }, '');
  await host.start();
  return {
    host,
    policies: new Policies(policyStore, clock),
    devices: new Devices(deviceStore, host, factory),
    usage: new Usage(usageStore, clock),
    ledgers,
    close: async () => {
      const hung = await host.close(CLOSE_WAIT_NS);
      inForce.close();
      return hung;
    },
  };
}
