import { LocalDeviceStore } from '../../src/coordination/local/device-store.js';
import { deviceStoreConformance } from './device-store-suite.js';

deviceStoreConformance('local', () =>
  Promise.resolve({
    store: new LocalDeviceStore(),
    settled: () => Promise.resolve(),
    close: () => Promise.resolve(),
  }),
);
