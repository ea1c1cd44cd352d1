import { describe, expect, it } from 'vitest';
import { SharesInForce, owedShares, steeredBy } from '../../../src/core/model/owed-shares.js';

const policy = (device: string, tag: string, shares?: number, selfShares?: number) => ({
  device,
  tag,
  ...(shares !== undefined && { shares }),
  ...(selfShares !== undefined && { selfShares }),
});

describe('owed shares', () => {
  it('are by level: siblings divide what their parent has', () => {
    const policies = new SharesInForce([policy('*', 'acme', 300), policy('disk0', 'acme/db', 400)], 'disk0');
    const owed = owedShares(['acme/db', 'acme/web', 'beta'], policies);
    expect(owed.get('beta')).toBeCloseTo(0.25);
    expect(owed.get('acme/db')).toBeCloseTo(0.75 * 0.8);
    expect(owed.get('acme/web')).toBeCloseTo(0.75 * 0.2);
  });

  it('count a parent that is a leaf as the child that weighs its self_shares', () => {
    const policies = new SharesInForce([policy('disk0', 'acme', 100, 300)], 'disk0');
    const owed = owedShares(['acme/.', 'acme/db'], policies);
    expect(owed.get('acme/.')).toBeCloseTo(0.75);
    expect(owed.get('acme/db')).toBeCloseTo(0.25);
    expect(steeredBy('acme/.')).toEqual({ tag: 'acme', field: 'selfShares' });
  });

  it('take an exact device over the default, field by field, and no other device', () => {
    const policies = new SharesInForce(
      [policy('*', 'a', 7, 9), policy('disk0', 'a', 5), policy('disk1', 'a', 1, 1)],
      'disk0',
    );
    expect(policies.of('a')).toEqual({ shares: 5, selfShares: 9 });
  });
});
