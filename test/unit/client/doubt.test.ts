import { describe, expect, it } from 'vitest';
import { OPS, type Op } from '../../../src/core/model/request.js';
import type { Lane } from '../../../src/client/lane.js';
import type { SessionOptions } from '../../../src/client/session.js';
import { SessionRig, type FakeWire, type WelcomeParts } from './fake-network.js';

/** A request out on host-a whose stream is cut; then a welcome by another stream, its handle open. */
function lose(op: Op, options: Partial<SessionOptions> = {}): { rig: SessionRig; lane: Lane; id: number } {
  const rig = new SessionRig({ addresses: ['a:1'], ...options });
  const lane = rig.ready();
  const id = rig.issue(lane, op);
  rig.settle();
  rig.wire.cut();
  return { rig, lane, id };
}

function comeBack(rig: SessionRig, lane: Lane, parts: Partial<WelcomeParts>): FakeWire {
  const before = rig.wires.length;
  while (rig.wires.length === before) rig.advance(10);
  rig.wire.welcome(parts);
  rig.settle();
  rig.wire.opened(lane.handle);
  rig.settle();
  return rig.wire;
}

const CHANGES = [OPS.WRITE, OPS.TRIM, OPS.WRITE_ZEROES] as const;

describe('writes and doubt', () => {
  it.each(CHANGES)('op %i goes again at once to the host that remembers the session', (op) => {
    const { rig, lane, id } = lose(op);
    const wire = comeBack(rig, lane, { hostId: 'host-a', resumed: true });
    expect(wire.requests).toMatchObject([{ id, attempt: 1 }]);
    // Its answer settles it, whatever it is: nothing happened before that it does not know of.
    wire.reply(id, 'QUEUE_FULL');
    expect(rig.answersOf(id)).toEqual(['QUEUE_FULL']);
  });

  it.each(CHANGES)('op %i goes elsewhere only after the fence', (op) => {
    const { rig, lane, id } = lose(op);
    const wire = comeBack(rig, lane, { hostId: 'host-b', fenceMs: 60_000 });
    rig.advance(4_800);
    expect(wire.requests).toEqual([]);
    rig.advance(200);
    expect(wire.requests).toMatchObject([{ id, attempt: 1 }]);
    wire.reply(id);
    expect(rig.answersOf(id)).toEqual(['OK']);
  });

  it('a host that has forgotten the session is any other host, then and later', () => {
    const { rig, lane, id } = lose(OPS.WRITE);
    const forgetful = comeBack(rig, lane, { hostId: 'host-a', resumed: false });
    expect(forgetful.requests).toEqual([]);
    forgetful.cut();
    // It remembers the second stream, not the first.
    const wire = comeBack(rig, lane, { hostId: 'host-a', resumed: true });
    expect(wire.requests).toEqual([]);
    rig.advance(5_000);
    expect(wire.requests).toMatchObject([{ id, attempt: 1 }]);
  });

  it('the fence outlasts a stream to another host that ends before it', () => {
    const { rig, lane, id } = lose(OPS.WRITE);
    comeBack(rig, lane, { hostId: 'host-b' }).cut();
    const wire = comeBack(rig, lane, { hostId: 'host-a', resumed: true });
    expect(wire.requests).toMatchObject([{ id, attempt: 1 }]);
  });

  it('an error of a second host does not hide that the first may have executed it', () => {
    const { rig, lane, id } = lose(OPS.WRITE);
    const wire = comeBack(rig, lane, { hostId: 'host-b' });
    rig.advance(5_000);
    wire.reply(id, 'NO_SPACE', { attempt: 1 });
    expect(rig.answersOf(id)).toEqual(['OUTCOME_UNKNOWN']);
    expect(rig.answers[0]!.message).toContain('NO_SPACE: said NO_SPACE');
  });

  it('nor does a later resume by that second host', () => {
    const { rig, lane, id } = lose(OPS.WRITE);
    const second = comeBack(rig, lane, { hostId: 'host-b' });
    rig.advance(5_000);
    second.cut();
    const wire = comeBack(rig, lane, { hostId: 'host-b', resumed: true });
    expect(wire.requests).toMatchObject([{ id, attempt: 2 }]);
    wire.reply(id, 'CANCELLED');
    expect(rig.answersOf(id)).toEqual(['OUTCOME_UNKNOWN']);
  });

  it('judged for a stream that ends before it was sent again, it is judged anew', () => {
    const { rig, lane, id } = lose(OPS.WRITE);
    rig.advance(150);
    rig.wire.welcome({ hostId: 'host-a', resumed: true });
    rig.settle();
    rig.wire.cut();
    const wire = comeBack(rig, lane, { hostId: 'host-b' });
    expect(wire.requests).toEqual([]);
    rig.advance(5_000);
    expect(wire.requests).toMatchObject([{ id }]);
    wire.reply(id, 'QUEUE_FULL');
    expect(rig.answersOf(id)).toEqual(['OUTCOME_UNKNOWN']);
  });

  it('DRAINING, said to one that is sent again, says nothing of the attempt before', () => {
    const { rig, lane, id } = lose(OPS.WRITE);
    const leaving = comeBack(rig, lane, { hostId: 'host-a', resumed: true });
    leaving.goAway();
    leaving.reply(id, 'DRAINING');
    expect(rig.answers).toEqual([]);
    const wire = comeBack(rig, lane, { hostId: 'host-b' });
    expect(wire.requests).toEqual([]);
    rig.advance(5_000);
    expect(wire.requests).toMatchObject([{ id }]);
  });

  it('never: its outcome is unknown as soon as nobody remembers', () => {
    const { rig, lane, id } = lose(OPS.WRITE, { resendWrites: 'never' });
    const wire = comeBack(rig, lane, { hostId: 'host-b' });
    expect(rig.answersOf(id)).toEqual(['OUTCOME_UNKNOWN']);
    expect(wire.requests).toEqual([]);
  });

  it('a fence beyond maxOutageMs is not waited for', () => {
    const { rig, lane, id } = lose(OPS.WRITE, { maxOutageMs: 4_000 });
    comeBack(rig, lane, { hostId: 'host-b' });
    expect(rig.answersOf(id)).toEqual(['OUTCOME_UNKNOWN']);
    expect(rig.answers[0]!.message).toContain('max_outage_ms');
  });

  it('what a leaving host leaves unanswered is judged by the stream that is there already', () => {
    const rig = new SessionRig({ addresses: ['a:1', 'b:1'] });
    const lane = rig.ready();
    const [read, write] = [rig.issue(lane, OPS.READ), rig.issue(lane, OPS.WRITE)];
    rig.settle();
    const old = rig.wire;
    old.goAway();
    rig.advance(100);
    rig.wire.welcome({ hostId: 'host-b' });
    rig.settle();
    rig.wire.opened(lane.handle);
    old.cut('grace time over');
    rig.settle();
    expect(rig.wire.requests).toMatchObject([{ id: read, attempt: 1 }]);
    rig.advance(5_000);
    expect(rig.wire.requests).toMatchObject([{ id: read }, { id: write, attempt: 1 }]);
  });

  it('taken back while in doubt: a read is cancelled, a write unknown', () => {
    const first = lose(OPS.READ);
    first.rig.session.cancel(first.id);
    expect(first.rig.answersOf(first.id)).toEqual(['CANCELLED']);
    const second = lose(OPS.WRITE);
    second.rig.session.cancel(second.id);
    expect(second.rig.answersOf(second.id)).toEqual(['OUTCOME_UNKNOWN']);
    const wire = comeBack(second.rig, second.lane, { resumed: true });
    expect(wire.requests).toEqual([]);
  });

  it('taken back, then lost before the answer', () => {
    const rig = new SessionRig();
    const lane = rig.ready();
    const [read, write] = [rig.issue(lane, OPS.READ), rig.issue(lane, OPS.WRITE)];
    rig.settle();
    rig.session.cancel(read);
    rig.session.cancel(write);
    rig.wire.cut();
    expect([rig.answersOf(read), rig.answersOf(write)]).toEqual([['CANCELLED'], ['OUTCOME_UNKNOWN']]);
  });

  it('a queue timeout passes for a read that waits to be sent again, not for a write in doubt', () => {
    const rig = new SessionRig();
    const lane = rig.ready();
    const [read, write] = [rig.issue(lane, OPS.READ, 0, 50_000), rig.issue(lane, OPS.WRITE, 0, 50_000)];
    rig.settle();
    rig.wire.cut();
    rig.advance(60);
    expect([rig.answersOf(read), rig.answersOf(write)]).toEqual([['DEADLINE_EXCEEDED'], []]);
    const wire = comeBack(rig, lane, { resumed: true });
    expect(wire.requests).toMatchObject([{ id: write, attempt: 1, queueTimeoutUs: 1 }]);
  });
});

describe('FLUSH and hosts', () => {
  it('goes again on the same running host', () => {
    const { rig, lane, id } = lose(OPS.FLUSH);
    expect(comeBack(rig, lane, { hostId: 'host-a' }).requests).toMatchObject([{ id, attempt: 1 }]);
  });

  it('in doubt when the host changed: unknown, once', () => {
    const { rig, lane, id } = lose(OPS.FLUSH);
    const wire = comeBack(rig, lane, { hostId: 'host-b' });
    expect(rig.answersOf(id)).toEqual(['OUTCOME_UNKNOWN']);
    const next = rig.issue(lane, OPS.FLUSH);
    rig.settle();
    wire.reply(next);
    expect(rig.answersOf(next)).toEqual(['OK']);
  });

  function writtenOn(rig: SessionRig, lane: Lane, flushed: boolean, fua = false): void {
    const id = rig.session.issue(lane, OPS.WRITE, 0, 512, new Uint8Array(512), fua, 0, '', rig, 0);
    rig.settle();
    rig.wire.reply(id);
    if (!flushed) return;
    const flush = rig.issue(lane, OPS.FLUSH);
    rig.settle();
    rig.wire.reply(flush);
  }

  it.each([
    ['unflushed', false, false, false, ['OUTCOME_UNKNOWN', 'OK']],
    ['flushed', true, false, false, ['OK', 'OK']],
    ['written through', false, true, false, ['OK', 'OK']],
    ['unflushed, on hosts that share what they write', false, false, true, ['OK', 'OK']],
  ] as const)('after a change of host with an answered write %s', (_name, flushed, fua, flushSpansHosts, codes) => {
    const rig = new SessionRig({ flushSpansHosts });
    const lane = rig.ready();
    writtenOn(rig, lane, flushed, fua);
    rig.wire.cut();
    const wire = comeBack(rig, lane, { hostId: 'host-b' });
    const got = [0, 1].map(() => {
      const id = rig.issue(lane, OPS.FLUSH);
      rig.settle();
      wire.reply(id);
      return rig.answersOf(id)[0];
    });
    expect(got).toEqual(codes);
  });

  it('every handle of the device is told, others are not; FLUSHes issued together are told alike', () => {
    const rig = new SessionRig();
    const writer = rig.ready();
    const same = rig.openLane('acme/other');
    const elsewhere = rig.openLane('acme/other', undefined, undefined, 'disk1');
    writtenOn(rig, writer, false);
    rig.wire.cut();
    const together = [rig.issue(same, OPS.FLUSH), rig.issue(same, OPS.FLUSH)];
    const apart = rig.issue(elsewhere, OPS.FLUSH);
    comeBack(rig, writer, { hostId: 'host-b' });
    for (const lane of [same, elsewhere]) rig.wire.opened(lane.handle);
    rig.settle();
    expect(together.map((id) => rig.answersOf(id))).toEqual([['OUTCOME_UNKNOWN'], ['OUTCOME_UNKNOWN']]);
    rig.wire.reply(apart);
    expect(rig.answersOf(apart)).toEqual(['OK']);
  });

  it('a write that a leaving host answers after the change is not covered either', () => {
    const rig = new SessionRig({ addresses: ['a:1', 'b:1'] });
    const lane = rig.ready();
    const write = rig.issue(lane, OPS.WRITE);
    rig.settle();
    const old = rig.wire;
    old.goAway();
    rig.advance(100);
    rig.wire.welcome({ hostId: 'host-b' });
    rig.settle();
    rig.wire.opened(lane.handle);
    old.reply(write);
    const flush = rig.issue(lane, OPS.FLUSH);
    rig.settle();
    expect(rig.answersOf(flush)).toEqual(['OUTCOME_UNKNOWN']);
  });
});
