import { LocalPolicyStore } from '../../src/coordination/local/policy-store.js';
import { policyStoreConformance } from './policy-store-suite.js';

for (const firstRevision of [0, 1_700_000_000_000]) {
  policyStoreConformance(
    `local from revision ${String(firstRevision)}`,
    () =>
      Promise.resolve({
        store: new LocalPolicyStore(firstRevision),
        settled: () => Promise.resolve(),
        close: () => Promise.resolve(),
      }),
    { synchronous: true, eventsKept: 10_000 },
  );
}
