import { describe, expect, it } from 'vitest';
import { formatAddress, parseAddress, type Address } from '../../../src/dashboard/data/address.js';
import { RANGES } from '../../../src/dashboard/data/range.js';
import { METRICS } from '../../../src/dashboard/data/timeline.js';

const DEFAULT: Address = { device: '', range: '5m', metric: 'ops', tag: '' };

describe('address', () => {
  it('is read as it was written, and says nothing of what is as always', () => {
    for (const range of RANGES) {
      for (const metric of METRICS) {
        for (const [device, tag] of [
          ['', ''],
          ['disk0', 'acme/db'],
          ['disk0', 'acme/.'],
        ] as const) {
          const address = { device, range, metric, tag };
          expect(parseAddress(formatAddress(address))).toEqual(address);
        }
      }
    }
    expect(formatAddress(DEFAULT)).toBe('');
    expect(formatAddress({ ...DEFAULT, range: '24h', tag: 'acme/db' })).toBe('#range=24h&tag=acme/db');
  });

  it('takes what it does not know for what is as always', () => {
    expect(parseAddress('#range=9y&metric=size&colour=red')).toEqual(DEFAULT);
    expect(parseAddress('#%%%')).toEqual(DEFAULT);
  });
});
