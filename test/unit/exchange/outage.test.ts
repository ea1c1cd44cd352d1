/** A host whose state is away, new, or whose own time was not what it seemed. */
import { describe, expect, test } from 'vitest';
import { coordinationOptions } from '../../../src/coordination/exchange/options.js';
import { ExchangeRig } from '../../support/exchange-rig.js';

/** Joined, with a quota for outages; the device's queue holds what is sent. */
function joined(outage: 'continue' | 'reject', outageQuota: number): ExchangeRig {
  const rig = ExchangeRig.joined({ leaseMs: 3_000, graceMs: 1_000, outage });
  rig.state.standing = { outageQuota };
  rig.state.nudge();
  rig.turn();
  rig.state.answer();
  return rig;
}

describe('the store is away', () => {
  test('continue: after the grace time within the quota, by shares, until it answers', () => {
    const rig = joined('continue', 2);
    rig.shares.set('a', 300);
    rig.send('b', 40);
    rig.send('a', 40);
    rig.runMs(990);
    expect(rig.device.held).toHaveLength(0);
    rig.runMs(200);
    expect(rig.gate.membership.mode).toBe('outage-continue');
    expect(rig.device.held).toHaveLength(2);
    for (let i = 0; i < 22; i++) rig.device.complete();
    expect(rig.device.held).toHaveLength(2);
    const served = (tag: string): number => rig.answered.filter((io) => io.flow!.tag === tag).length;
    expect(Math.abs(served('a') - 3 * served('b'))).toBeLessThanOrEqual(4);
    expect(rig.gate.counters).toMatchObject({ onQuota: 24, granted: 0 });

    while (rig.state.waiting.length > 0) rig.state.lose();
    rig.runMs(500);
    rig.state.answer({ status: 'rejoin' });
    expect(rig.gate.membership.mode).toBe('joining');
    rig.device.complete();
    expect(rig.device.held).toHaveLength(1);
    rig.state.answer();
    expect(rig.gate.membership.mode).toBe('coordinated');
    expect(rig.modes).toEqual(['coordinated', 'outage-continue', 'joining', 'coordinated']);
    expect(rig.logged).toHaveLength(4);
  });

  test('continue with a quota of 0: it waits, and nothing is lost', () => {
    const rig = joined('continue', 0);
    rig.send('a', 3);
    rig.runMs(60_000);
    expect(rig.gate.membership.mode).toBe('outage-continue');
    expect(rig.device.held).toHaveLength(0);
    expect(rig.answered).toHaveLength(0);
    rig.state.answer({ granted: [{ row: 0, granted: 1 }] });
    expect(rig.device.held).toHaveLength(0);
    rig.state.answer({ granted: [{ row: 0, granted: 4 }] });
    expect(rig.device.held).toHaveLength(3);
  });

  test('continue: what is at the device already counts towards the quota', () => {
    const rig = joined('continue', 2);
    rig.send('a', 6);
    rig.turn();
    rig.state.answer({ granted: [{ row: 0, granted: 4 }] });
    rig.runMs(5_000);
    expect(rig.gate.membership.mode).toBe('outage-continue');
    expect(rig.device.held).toHaveLength(4);
    rig.device.complete();
    rig.device.complete();
    expect(rig.device.held).toHaveLength(2);
    rig.device.complete();
    expect(rig.device.held).toHaveLength(2);
    expect(rig.gate.counters.onQuota).toBe(1);
  });

  test('reject: what waits and what comes is answered STORE_UNAVAILABLE, what is at the device ends', () => {
    const rig = joined('reject', 2);
    rig.send('a', 3);
    rig.turn();
    rig.state.answer({ granted: [{ row: 0, granted: 1 }] });
    rig.runMs(1_200);
    expect(rig.gate.membership.mode).toBe('outage-reject');
    expect(rig.answered.map(({ code }) => code)).toEqual(['STORE_UNAVAILABLE', 'STORE_UNAVAILABLE']);
    const [late] = rig.send('b');
    expect(late!.code).toBe('STORE_UNAVAILABLE');
    expect(late!.message).toContain('1000 ms');
    rig.device.complete();
    expect(rig.answered.map(({ code }) => code).filter((code) => code === 'OK')).toHaveLength(1);
    while (rig.state.waiting.length > 0) rig.state.lose();
    rig.runMs(500);
    rig.state.answer();
    rig.send('b');
    expect(rig.answered).toHaveLength(4);
  });

  test('shorter than the grace time: the advance goes on while the lease lives', () => {
    const rig = ExchangeRig.joined({ leaseMs: 3_000, graceMs: 2_900 });
    rig.state.standing = { advance: 2 };
    rig.state.nudge();
    rig.turn();
    rig.state.answer();
    rig.runMs(2_500);
    rig.send('a', 2);
    expect(rig.device.held).toHaveLength(2);
    rig.state.answer();
    expect(rig.modes).toEqual(['coordinated']);
  });

  test('a store that is not there at start: the mode says so, once', () => {
    const rig = new ExchangeRig({ graceMs: 1_000 });
    rig.send('a');
    for (let i = 0; i < 2_000; i++) {
      rig.runMs(10);
      while (rig.state.waiting.length > 0) rig.state.lose('connection refused');
    }
    expect(rig.modes).toEqual(['outage-continue']);
    expect(rig.logged).toHaveLength(1);
    expect(rig.gate.membership.reason).toContain('connection refused');
    expect(rig.device.held).toHaveLength(0);
  });
});

describe('a new state', () => {
  test('settling: the host runs on its quota, until the state knows all', () => {
    const rig = joined('reject', 2);
    rig.send('a', 4);
    rig.turn();
    rig.state.answer({ status: 'rejoin' });
    rig.state.answer({ incarnation: 'second', settling: true });
    expect(rig.gate.membership.mode).toBe('settling');
    expect(rig.device.held).toHaveLength(2);
    rig.runMs(5);
    expect(rig.state.last.rows).toMatchObject([{ advanced: 2, backlog: 2 }]);
    rig.state.answer({ incarnation: 'second', granted: [{ row: 0, granted: 1 }] });
    expect(rig.gate.membership.mode).toBe('coordinated');
    expect(rig.device.held).toHaveLength(3);
  });
});

describe('a host whose time was not what it seemed', () => {
  test('stopped for a lease, it refuses what it had queued, whatever event comes first', () => {
    const rig = joined('continue', 2);
    rig.send('a', 3);
    rig.turn();
    rig.state.answer({ granted: [{ row: 0, granted: 1 }], outageQuota: 4, advance: 4 });
    rig.send('b', 3);
    const held = rig.device.held.length;
    rig.runMs(1);
    const sent = rig.device.submitted;
    // The machine slept: the wall clock went on alone.
    rig.clock.wallOffMs += 3_500;
    rig.device.complete();
    rig.send('c');
    expect(rig.device.submitted).toBe(sent);
    rig.runMs(200);
    expect(rig.device.submitted).toBe(sent);
    expect(rig.answered.filter(({ code }) => code === 'STORE_UNAVAILABLE').length).toBe(3 + 3 + 1 - held);
    expect(rig.gate.counters.standstills).toBe(1);
    while (rig.state.waiting.length > 0 && rig.state.waiting[0]!.call.kind !== 'join') rig.state.answer();
    expect(rig.state.last).toMatchObject({ kind: 'join', epoch: 2 });
    expect(rig.state.last.rows.reduce((sum, { advanced }) => sum + advanced, 0)).toBe(held - 1);
  });

  test('a host that stood still refuses what lay in its sockets, and takes what comes after a tick', () => {
    const rig = joined('continue', 2);
    rig.runMs(1);
    rig.clock.wallOffMs += 3_500;
    // An answer is what tells it, before it reads on.
    rig.send('a');
    rig.runMs(130);
    const refused = rig.answered.length;
    rig.send('a');
    expect(rig.answered.slice(refused)).toMatchObject([
      { code: 'STORE_UNAVAILABLE', message: expect.stringContaining('stood still') as string },
    ]);
    rig.runAnsweredMs(300);
    rig.send('b');
    rig.runAnsweredMs(50);
    expect(rig.answered).toHaveLength(refused + 1);
    expect(rig.gate.membership.mode).toBe('coordinated');
  });

  test('a grant on its way to a host that was stopped is void', () => {
    const rig = joined('continue', 0);
    rig.send('a');
    rig.turn();
    rig.clock.wallOffMs += 60_000;
    rig.state.answer({ granted: [{ row: 0, granted: 1 }] });
    expect(rig.device.submitted).toBe(0);
    expect(rig.answered.map(({ code }) => code)).toEqual(['STORE_UNAVAILABLE']);
    expect(rig.state.last.kind).toBe('join');
  });

  test('stopped in an outage, it waits the grace time again before it uses its quota', () => {
    const rig = joined('continue', 2);
    rig.runMs(1_500);
    rig.clock.wallOffMs += 10_000;
    rig.send('a');
    expect(rig.device.submitted).toBe(0);
    rig.runMs(300);
    rig.send('a');
    expect(rig.gate.membership.mode).toBe('joining');
    expect(rig.device.submitted).toBe(0);
    rig.runMs(1_200);
    expect(rig.gate.membership.mode).toBe('outage-continue');
    expect(rig.device.submitted).toBe(1);
  });

  test('a wall clock that is set back: one line, one join, and on', () => {
    const rig = joined('continue', 2);
    rig.runAnsweredMs(100);
    rig.clock.wallOffMs -= 3_600_000;
    rig.runAnsweredMs(500);
    expect(rig.gate.counters).toMatchObject({ clockJumps: 1, joins: 2, standstills: 0 });
    expect(rig.gate.membership.mode).toBe('coordinated');
    expect(rig.logged.filter((line) => line.includes('wall clock jumped'))).toHaveLength(1);
    rig.runAnsweredMs(1_000);
    expect(rig.gate.counters.clockJumps).toBe(1);
  });
});

test('options outside their range are refused by name', () => {
  expect(() => coordinationOptions({ leaseMs: 50 })).toThrow('coordination.lease_ms must be 100..600000, got 50');
  expect(() => coordinationOptions({ reportMs: 4_000 })).toThrow('coordination.report_ms');
  expect(() => coordinationOptions({ outage: 'hope' as 'reject' })).toThrow('one of continue, reject');
});
