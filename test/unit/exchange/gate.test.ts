/** One host's half of the exchange against a state that the test plays. */
import { describe, expect, test } from 'vitest';
import { NS_PER_MS } from '../../../src/core/model/units.js';
import { OPS } from '../../../src/core/model/request.js';
import { MIB } from '../../../src/core/model/units.js';
import { PendingIo } from '../../../src/core/pending-io.js';
import { ExchangeRig } from '../../support/exchange-rig.js';

describe('what a call says and an answer does', () => {
  test('a burst goes in one call, with the tag, its shares and true costs', () => {
    const rig = ExchangeRig.joined();
    rig.shares.set('acme', 300);
    rig.send('acme/db', 12);
    expect(rig.state.waiting).toHaveLength(0);
    rig.turn();
    expect(rig.state.waiting).toHaveLength(1);
    const { last } = rig.state;
    expect(last).toMatchObject({
      kind: 'exchange',
      epoch: 1,
      n: 2,
      acked: 1,
      incarnation: 'first',
    });
    expect(last.rows).toMatchObject([{ row: 0, tag: 'acme/db', backlog: 12, used: 0, advanced: 0, finished: 0 }]);
    expect(last.rows[0]!.headCosts).toEqual([1, 1, 1, 1, 1, 1, 1, 1]);
    expect(last.nodes).toEqual([
      { tag: 'acme/db', shares: 100, selfShares: 100, revision: 1 },
      { tag: 'acme', shares: 300, selfShares: 100, revision: 1 },
    ]);
  });

  test('grants are the rise of the total; one that finds nothing waiting is handed back', () => {
    const rig = ExchangeRig.joined();
    const [first] = rig.send('a', 2);
    rig.turn();
    expect(rig.dispatcher.cancel(first!)).toBe(true);
    rig.runMs(2);
    rig.state.answer({ granted: [{ row: 0, granted: 2 }] });
    expect(rig.device.held).toHaveLength(1);
    expect(rig.state.last.rows).toMatchObject([{ row: 0, tag: '', seen: 2, used: 1, handedBack: 1, backlog: 0 }]);
    // The same total again grants nothing.
    rig.send('a');
    rig.state.answer({ granted: [{ row: 0, granted: 2 }] });
    expect(rig.device.held).toHaveLength(1);
    expect(rig.gate.counters).toMatchObject({ granted: 1, handedBack: 1 });
  });

  test('the wait for a grant on its way is coordination, whatever came before is not', () => {
    const rig = ExchangeRig.joined();
    const [first, second] = rig.send('a', 2);
    rig.turn();
    rig.runMs(2);
    rig.state.answer({ granted: [{ row: 0, granted: 1 }] });
    expect(first!.coordinationNs).toBe(2 * NS_PER_MS);
    rig.runMs(10);
    rig.state.answer();
    rig.device.complete();
    rig.turn();
    rig.runMs(1);
    rig.state.answer({ granted: [{ row: 0, granted: 2 }] });
    expect(second!.coordinationNs).toBe(1 * NS_PER_MS);
    expect(second!.queueNs).toBe(13 * NS_PER_MS);
  });

  test('others that were granted to are why a head waits: share, not slots', () => {
    const rig = ExchangeRig.joined();
    const [io] = rig.send('a');
    rig.turn();
    rig.runMs(2);
    rig.state.grantsMade = 3;
    rig.state.answer();
    rig.runMs(5);
    rig.state.nudge();
    rig.turn();
    rig.state.answer({ granted: [{ row: 0, granted: 1 }] });
    expect(io!.slotsNs).toBe(2 * NS_PER_MS);
    expect(io!.shareNs).toBe(5 * NS_PER_MS);
  });

  test('one call is in flight: what happens meanwhile goes with the next, at once', () => {
    const rig = ExchangeRig.joined();
    rig.send('a', 3);
    rig.turn();
    rig.send('b', 2);
    rig.send('c', 1);
    rig.runMs(3);
    expect(rig.state.waiting).toHaveLength(1);
    rig.state.answer();
    expect(rig.state.last.rows.map(({ tag }) => tag)).toEqual(['b', 'c']);
  });

  test('a call without an answer is said again, in full, and slower each time', () => {
    const rig = ExchangeRig.joined({ graceMs: 10_000 });
    rig.send('a', 3);
    rig.turn();
    const first = rig.state.last;
    for (const waitMs of [5, 10, 20]) {
      rig.state.lose();
      rig.runMs(waitMs - 1);
      expect(rig.state.waiting).toHaveLength(0);
      rig.runMs(1);
      expect(rig.state.last.rows).toMatchObject([{ row: 0, tag: 'a', backlog: 3 }]);
    }
    expect(rig.state.last.n).toBe(first.n + 3);
    expect(rig.state.last.acked).toBe(first.acked);
  });

  test('a stale answer is no answer: the news goes again', () => {
    const rig = ExchangeRig.joined();
    rig.send('a');
    rig.turn();
    rig.state.answer({ status: 'stale', granted: [{ row: 0, granted: 1 }] });
    expect(rig.device.held).toHaveLength(0);
    rig.runMs(5);
    expect(rig.state.last.rows).toMatchObject([{ tag: 'a', backlog: 1 }]);
  });

  test('an id that another process has: refused once in words, asked for with the same number, had once it is free', () => {
    const rig = ExchangeRig.joined();
    const queued = rig.send('a', 2);
    rig.turn();
    const { n } = rig.state.last;
    rig.state.answer({ status: 'in-use' });
    expect(rig.gate.membership).toMatchObject({
      mode: 'refused',
      reason: 'another process runs as host host-1: this one waits for its end',
    });
    expect(queued.map(({ code }) => code)).toEqual(['STORE_UNAVAILABLE', 'STORE_UNAVAILABLE']);
    for (let i = 0; i < 20; i++) {
      rig.runMs(2_000);
      expect(rig.state.last).toMatchObject({ kind: 'join', n });
      rig.state.answer({ status: 'in-use' });
    }
    expect(rig.send('a').map(({ code }) => code)).toEqual(['STORE_UNAVAILABLE']);
    expect(rig.modes).toEqual(['coordinated', 'refused']);
    rig.runMs(2_000);
    rig.state.answer();
    expect(rig.gate.membership.mode).toBe('coordinated');
    rig.send('a');
    rig.turn();
    rig.state.answer({ granted: [{ row: 0, granted: 1 }] });
    expect(rig.device.held).toHaveLength(1);
  });

  test('an idle host calls at least five times a lease, and again when the state asks for it', () => {
    const rig = ExchangeRig.joined({ leaseMs: 1_000 });
    const before = rig.state.calls.length;
    rig.runAnsweredMs(1_000);
    expect(rig.state.calls.length - before).toBeGreaterThanOrEqual(5);
    expect(rig.state.calls.length - before).toBeLessThanOrEqual(9);
    rig.state.nudge();
    rig.turn();
    const count = rig.state.calls.length;
    rig.state.answer({ againUs: 4_000 });
    rig.runMs(3.9);
    expect(rig.state.calls).toHaveLength(count);
    rig.runMs(0.1);
    expect(rig.state.calls).toHaveLength(count + 1);
  });

  test('changed shares are told at once, and again where the call is lost', () => {
    const rig = ExchangeRig.joined();
    rig.shares.set('a', 7);
    rig.revision = 9;
    rig.dispatcher.sharesChanged('a');
    rig.turn();
    rig.state.lose();
    rig.runMs(5);
    expect(rig.state.last.nodes).toEqual([{ tag: 'a', shares: 7, selfShares: 100, revision: 9 }]);
  });

  test('a request in pieces takes a grant for each', () => {
    const rig = ExchangeRig.joined();
    const io = new PendingIo(OPS.TRIM, 0, 64 * MIB, null, false, 0, 0, 0, rig.sink);
    rig.dispatcher.submit(io, 'a');
    rig.turn();
    let total = 0;
    for (; io.state !== 'completed' && total < 1_000; total++) {
      rig.state.answer({ granted: [{ row: 0, granted: total + 1 }] });
      if (rig.device.held.length > 0) rig.device.complete();
      rig.turn();
    }
    expect(rig.answered).toEqual([io]);
    expect(io.code).toBe('OK');
    rig.state.answer();
    rig.runMs(5);
    expect(rig.state.last.rows).toMatchObject([{ used: total, finished: total, backlog: 0 }]);
    expect(total).toBeGreaterThan(1);
  });
});

describe('the advance', () => {
  test('requests go at once on it and are told later; its slots are used again', () => {
    const rig = ExchangeRig.joined();
    rig.state.standing = { advance: 2 };
    rig.runAnsweredMs(1_000);
    const before = rig.state.calls.length;
    const sent = rig.send('a', 2);
    expect(rig.device.held).toHaveLength(2);
    expect(sent.map((io) => io.queueNs)).toEqual([0, 0]);
    rig.device.complete();
    rig.send('b');
    expect(rig.device.held).toHaveLength(2);
    rig.turn();
    expect(rig.state.calls).toHaveLength(before);
    rig.runMs(5);
    expect(rig.state.last).toMatchObject({ advance: 2, advanceIdle: 0 });
    expect(rig.state.last.rows).toMatchObject([
      { tag: 'a', advanced: 2, used: 0, finished: 1, dispatchedCost: 2 },
      { tag: 'b', advanced: 1, used: 0, finished: 0, dispatchedCost: 1 },
    ]);
  });

  test('past it requests wait for grants, asked for at once', () => {
    const rig = ExchangeRig.joined();
    rig.state.standing = { advance: 1 };
    rig.runAnsweredMs(1_000);
    rig.send('a', 2);
    rig.turn();
    expect(rig.device.held).toHaveLength(1);
    expect(rig.state.last.rows).toMatchObject([{ backlog: 1, advanced: 1 }]);
    // Until the answer an advance slot that comes free serves who waits here.
    rig.device.complete();
    expect(rig.device.held).toHaveLength(1);
    expect(rig.gate.counters.advanced).toBe(2);
  });

  test('called in, idle slots are gone at once and used ones as they come free', () => {
    const rig = ExchangeRig.joined();
    rig.state.standing = { advance: 3 };
    rig.runAnsweredMs(1_000);
    rig.send('a', 2);
    rig.runMs(5);
    expect(rig.state.last.advanceIdle).toBe(1);
    rig.state.standing = {};
    rig.state.answer({ advance: 0 });
    // Told at once: somebody waits for the idle one.
    expect(rig.state.last).toMatchObject({ advance: 0, advanceIdle: 0 });
    rig.send('a', 5);
    expect(rig.device.held).toHaveLength(2);
    rig.device.complete();
    expect(rig.device.held).toHaveLength(1);
  });

  test('ends with the lease, though nothing came to say so', () => {
    const rig = ExchangeRig.joined({ leaseMs: 1_000, graceMs: 60_000 });
    rig.state.standing = { advance: 4 };
    rig.runAnsweredMs(1_000);
    rig.runMs(930);
    rig.send('a');
    expect(rig.device.held).toHaveLength(1);
    rig.runMs(60);
    rig.send('a');
    expect(rig.device.held).toHaveLength(1);
  });
});

describe('epochs', () => {
  test('told to rejoin, a host states what it holds and what was not told, from 0', () => {
    const rig = ExchangeRig.joined();
    rig.send('a', 4);
    rig.send('quiet');
    rig.turn();
    rig.state.answer({
      granted: [
        { row: 0, granted: 3 },
        { row: 1, granted: 1 },
      ],
    });
    rig.device.complete('OK', '', rig.device.held[3]);
    rig.turn();
    rig.state.answer();
    rig.device.complete();
    rig.turn();
    rig.state.answer({ status: 'rejoin', incarnation: 'second' });
    const join = rig.state.last;
    expect(join).toMatchObject({
      kind: 'join',
      epoch: 2,
      incarnation: 'first',
      advance: 0,
      advanceIdle: 0,
      forget: [],
    });
    expect(join.rows).toMatchObject([
      { row: 0, tag: 'a', backlog: 1, seen: 0, used: 0, handedBack: 0, finished: 0, advanced: 2, dispatchedCost: 0 },
    ]);
    rig.state.answer({ incarnation: 'second', granted: [{ row: 0, granted: 1 }] });
    expect(rig.device.held).toHaveLength(3);
    rig.device.complete();
    rig.turn();
    expect(rig.state.last).toMatchObject({ kind: 'exchange', incarnation: 'second', epoch: 2 });
    expect(rig.state.last.rows).toMatchObject([{ used: 1, advanced: 2, finished: 1, dispatchedCost: 1 }]);
  });

  test('costs of a call that was lost are in the join', () => {
    const rig = ExchangeRig.joined({ graceMs: 60_000 });
    rig.state.standing = { advance: 2 };
    rig.runAnsweredMs(1_000);
    rig.send('a', 2);
    rig.runMs(5);
    rig.state.lose();
    rig.runMs(5);
    rig.state.answer({ status: 'rejoin' });
    expect(rig.state.last.rows).toMatchObject([{ advanced: 2, dispatchedCost: 2 }]);
  });

  test('told again and again to rejoin, it waits longer each time', () => {
    const rig = new ExchangeRig();
    rig.turn();
    const before = rig.state.calls.length;
    for (let i = 0; i < 200; i++) {
      if (rig.state.waiting.length > 0) rig.state.answer({ status: 'rejoin' });
      rig.runMs(1);
    }
    expect(rig.state.calls.length - before).toBeLessThanOrEqual(7);
    expect(rig.modes).toEqual([]);
  });

  test('an answer that comes after the lease grants nothing: all is handed back', () => {
    const rig = ExchangeRig.joined({ leaseMs: 1_000, graceMs: 60_000 });
    rig.send('a', 2);
    rig.turn();
    rig.runMs(950);
    rig.state.answer({ granted: [{ row: 0, granted: 2 }] });
    expect(rig.device.held).toHaveLength(0);
    expect(rig.state.last.rows).toMatchObject([{ seen: 2, used: 0, handedBack: 2, backlog: 2 }]);
    rig.state.answer({ granted: [{ row: 0, granted: 4 }] });
    expect(rig.device.held).toHaveLength(2);
  });

  test('a refused host answers with the reason and asks again, slowly', () => {
    const rig = new ExchangeRig();
    const [queued] = rig.send('a');
    rig.turn();
    rig.state.answer({ status: 'refused', code: 'ALREADY_EXISTS', message: 'host id host-1 is in use' });
    const [refused] = rig.send('a');
    for (const io of [queued!, refused!]) {
      expect(io.code).toBe('ALREADY_EXISTS');
      expect(io.message).toBe('host id host-1 is in use');
    }
    expect(rig.gate.membership.mode).toBe('refused');
    rig.runMs(5);
    rig.state.answer();
    expect(rig.gate.membership.mode).toBe('coordinated');
    rig.send('a');
    expect(rig.answered).toHaveLength(2);
  });

  test('a row that the state refuses: what waits there is answered, other rows go on', () => {
    const rig = ExchangeRig.joined();
    const [full, other] = [...rig.send('full'), ...rig.send('other')];
    rig.turn();
    rig.state.answer({
      refusedRows: [{ row: 0, code: 'QUEUE_FULL', message: 'a device holds at most 1 tag' }],
      granted: [{ row: 1, granted: 1 }],
    });
    expect(full).toMatchObject({ state: 'completed', code: 'QUEUE_FULL', message: 'a device holds at most 1 tag' });
    expect(other!.state).toBe('outstanding');
    rig.send('again');
    rig.turn();
    expect(rig.state.last.rows.find(({ tag }) => tag === 'again')).toMatchObject({ row: 0, backlog: 1 });
  });

  test('leaves with a last call when it is closed, after the one in flight', () => {
    const rig = ExchangeRig.joined();
    rig.state.nudge();
    rig.turn();
    rig.dispatcher.close();
    expect(rig.state.last.kind).toBe('exchange');
    rig.state.answer();
    expect(rig.state.last).toMatchObject({ kind: 'leave', epoch: 1, rows: [] });
    rig.state.answer();
    expect(rig.state.stopped).toBe(true);
    expect(rig.modes.at(-1)).toBe('closed');
    rig.runMs(10_000);
    expect(rig.state.waiting).toHaveLength(0);
    expect(rig.clock.inner.pending).toBe(0);
  });
});

describe('quiet rows', () => {
  test('are kept for the next request, forgotten when long quiet, their number used again when that is answered', () => {
    const rig = ExchangeRig.joined({ leaseMs: 1_000 });
    rig.state.standing = { advance: 4 };
    rig.runAnsweredMs(500);
    rig.send('a');
    rig.device.complete();
    rig.runAnsweredMs(1_000);
    expect(rig.gate.rows).toBe(1);
    rig.send('a');
    rig.device.complete();
    rig.runAnsweredMs(10);
    expect(rig.state.calls.flatMap(({ rows }) => rows.map(({ row, tag }) => `${row} ${tag}`))).toEqual(['0 a', '0 ']);
    rig.runMs(3_995);
    while (rig.state.waiting.length > 0) rig.state.answer();
    rig.runAnsweredMs(300);
    expect(rig.gate.rows).toBe(0);
    const forgets = rig.state.calls.filter(({ forget }) => forget.length > 0);
    expect(forgets).toHaveLength(1);
    expect(forgets[0]!.forget).toEqual([0]);
    rig.send('b');
    rig.runAnsweredMs(10);
    expect(rig.state.calls.at(-1)!.rows).toMatchObject([{ row: 0, tag: 'b' }]);
  });

  test('forgetting is said until it is answered; the tag that comes meanwhile opens another row', () => {
    const rig = ExchangeRig.joined({ leaseMs: 1_000 });
    rig.state.standing = { advance: 4 };
    rig.runAnsweredMs(500);
    rig.send('a');
    rig.device.complete();
    rig.runAnsweredMs(3_900);
    while (rig.state.calls.at(-1)!.forget.length === 0) {
      if (rig.state.waiting.length > 0) rig.state.answer();
      rig.runMs(1);
    }
    rig.send('a');
    rig.state.lose();
    rig.runMs(5);
    expect(rig.state.last).toMatchObject({ forget: [0], rows: [{ row: 1, tag: 'a' }] });
  });

  test('never more than a bounded number of them, however many tags come and go', () => {
    const rig = ExchangeRig.joined();
    rig.state.standing = { advance: 4 };
    rig.runAnsweredMs(500);
    for (let i = 0; i < 20_000; i++) {
      rig.send(`t${i}`);
      rig.device.complete();
      if (i % 100 === 0) rig.runAnsweredMs(1);
    }
    rig.runAnsweredMs(1_000);
    expect(rig.gate.rows).toBeLessThanOrEqual(1_024);
    const numbers = rig.state.calls.flatMap(({ rows }) => rows.map(({ row }) => row));
    expect(Math.max(...numbers)).toBeLessThan(4_000);
  });
});
