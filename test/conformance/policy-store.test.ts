import { LocalPolicyStore } from '../../src/coordination/local/policy-store.js';
import { SavedRecords } from '../../src/coordination/local/saved-records.js';
import { TempFolder } from '../support/temp-folder.js';
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

policyStoreConformance(
  'local, saved on disk',
  async () => {
    const folder = TempFolder.inMemory();
    const saved = await SavedRecords.open(folder.path, () => undefined);
    const store = new LocalPolicyStore(0, saved);
    return {
      store,
      // Writes are made in turn: after the last one all have been told.
      settled: async () => {
        await store.write([], '');
      },
      close: async () => {
        await saved.close();
        folder[Symbol.dispose]();
      },
    };
  },
  { synchronous: false, eventsKept: 10_000 },
);
