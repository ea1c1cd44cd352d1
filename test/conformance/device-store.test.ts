import { LocalDeviceStore } from '../../src/coordination/local/device-store.js';
import { SavedRecords } from '../../src/coordination/local/saved-records.js';
import { TempFolder } from '../support/temp-folder.js';
import { deviceStoreConformance } from './device-store-suite.js';

deviceStoreConformance('local', () =>
  Promise.resolve({
    store: new LocalDeviceStore(),
    settled: () => Promise.resolve(),
    close: () => Promise.resolve(),
  }),
);

deviceStoreConformance('local, saved on disk', async () => {
  const folder = new TempFolder();
  const saved = await SavedRecords.open(folder.path, () => undefined);
  return {
    store: new LocalDeviceStore(0, saved),
    settled: () => Promise.resolve(),
    close: async () => {
      await saved.close();
      folder[Symbol.dispose]();
    },
  };
});
