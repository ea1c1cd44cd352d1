/** The gate over the exchange keeps what every gate keeps: one host, the twin's state, a network that takes its time. */
import type { VirtualClock } from '../../src/clock/virtual.js';
import { ExchangeGate } from '../../src/coordination/exchange/gate.js';
import { coordinationOptions } from '../../src/coordination/exchange/options.js';
import { TwinNetwork } from '../../src/coordination/twin/network.js';
import { TwinStore } from '../../src/coordination/twin/store.js';
import { NS_PER_MS } from '../../src/core/model/units.js';
import { SeededRng } from '../../src/core/rng.js';
import { quiet } from '../support/dispatcher-rig.js';
import { gateConformance } from './gate.js';

/** Three exchanges at 0.3 ms at most: what happened is told, and somebody granted to. */
const SETTLE_NS = NS_PER_MS;

gateConformance(
  'exchange on the twin',
  (clock, settings, sharesOf) => {
    const rng = new SeededRng(1);
    const network = new TwinNetwork(new TwinStore(clock, rng), clock, rng, 1_000_000);
    const gate = new ExchangeGate({
      device: 'disk0',
      host: 'host-1',
      clock,
      transport: network.transportOf('host-1'),
      logger: quiet,
      settings,
      sharesOf,
      // Later is newer.
      policyRevision: () => clock.nowNs(),
      settingsRevision: () => clock.nowNs(),
      options: coordinationOptions(),
    });
    return gate;
  },
  {
    settle: (clock: VirtualClock) => {
      clock.runFor(SETTLE_NS);
      return Promise.resolve();
    },
    delayNs: SETTLE_NS,
  },
);
