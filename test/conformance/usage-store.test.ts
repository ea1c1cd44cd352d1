import { LocalUsageStore } from '../../src/coordination/local/usage-store.js';
import { Ledger } from '../../src/core/usage.js';
import { usageStoreConformance } from './usage-store-suite.js';

usageStoreConformance(
  'local',
  (clock) => {
    const ledgers = new Map<string, Ledger>();
    return Promise.resolve({
      store: new LocalUsageStore(() => ledgers, clock),
      ledger: (device) => {
        let ledger = ledgers.get(device);
        if (ledger === undefined) ledgers.set(device, (ledger = new Ledger(clock)));
        return ledger;
      },
      settled: () => Promise.resolve(),
      close: () => Promise.resolve(),
    });
  },
  { quantileError: 1 / 32 },
);
