import { LocalGate } from '../../src/coordination/local/gate.js';
import { gateConformance } from './gate.js';

gateConformance('local', (clock, settings, sharesOf) => new LocalGate(clock, settings, sharesOf), {
  settle: () => Promise.resolve(),
  delayNs: 0,
});
