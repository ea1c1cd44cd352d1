import { describe, expect, it } from 'vitest';
import { OPS } from '../../../src/core/model/request.js';
import { CODES } from '../../../src/core/model/errors.js';
import { SessionRig, serverFrame, wireReply } from './fake-network.js';

describe('reconnection', () => {
  it('dials the same address first, then the others, with growing waits', () => {
    const rig = new SessionRig({ addresses: ['a:1', 'b:1'] });
    rig.ready();
    rig.wire.cut();
    const dialled: string[] = [];
    let waitedMs = 0;
    const waits: number[] = [];
    while (dialled.length < 6) {
      const before = rig.wires.length;
      rig.advance(1);
      waitedMs += 1;
      if (rig.wires.length === before) continue;
      dialled.push(rig.wire.address);
      waits.push(waitedMs);
      waitedMs = 0;
      rig.wire.cut('refused');
    }
    expect(dialled).toEqual(['a:1', 'b:1', 'a:1', 'b:1', 'a:1', 'b:1']);
    // 3/4 of 100, 200, 400: a round each; the dial of the start counts in the first.
    expect(waits).toEqual([75, 150, 150, 300, 300, 600]);
  });

  it('gives up on a host that does not welcome in time', () => {
    const rig = new SessionRig({ addresses: ['a:1', 'b:1'] });
    rig.session.start();
    rig.advance(2_000);
    expect(rig.wires[0]!.state).toBe('aborted');
    rig.advance(100);
    expect(rig.wire.address).toBe('b:1');
    rig.wire.welcome();
    expect(rig.told).toEqual(['dial failed', 'welcomed b:1']);
  });

  it('does not take a first frame without welcome for a host', () => {
    const rig = new SessionRig();
    rig.session.start();
    rig.wire.events.received(serverFrame({ replies: [wireReply(1)] }));
    expect(rig.wires[0]!.state).toBe('aborted');
    expect(rig.told).toEqual(['dial failed']);
  });

  it('opens handles again with their numbers, and sends what waited once credit comes', () => {
    const rig = new SessionRig();
    const lane = rig.ready();
    rig.wire.cut();
    const id = rig.issue(lane, OPS.WRITE);
    rig.advance(150);
    expect(rig.wire.frames[0]!.hello!.sessionId).toEqual(rig.wires[0]!.frames[0]!.hello!.sessionId);
    rig.wire.welcome({ hostId: 'host-a', resumed: true });
    rig.settle();
    expect(rig.wire.last.open).toEqual([{ handle: lane.handle, device: 'disk0', tag: 'acme/db' }]);
    expect(rig.wire.requests).toHaveLength(0);
    rig.wire.opened(lane.handle);
    rig.settle();
    expect(rig.wire.requests).toMatchObject([{ id, attempt: 0 }]);
  });

  it('counts credit from nothing on a new stream', () => {
    const rig = new SessionRig();
    rig.ready();
    const lane = rig.openLane('acme/two', 2, 10_000);
    rig.issue(lane, OPS.FLUSH);
    rig.settle();
    rig.wire.cut();
    rig.advance(150);
    rig.wire.welcome({ resumed: true });
    rig.settle();
    rig.wire.opened(lane.handle, 2, 10_000);
    for (let i = 0; i < 3; i++) rig.issue(lane, OPS.FLUSH);
    rig.settle();
    expect(rig.wire.requests).toHaveLength(2);
  });

  it('sends reads again on whatever host, with the next attempt', () => {
    const rig = new SessionRig({ addresses: ['a:1', 'b:1'] });
    const lane = rig.ready();
    const id = rig.issue(lane, OPS.READ);
    rig.settle();
    rig.wire.cut();
    rig.advance(100);
    rig.wire.cut('refused');
    rig.advance(200);
    rig.wire.welcome({ hostId: 'host-b' });
    rig.settle();
    rig.wire.opened(lane.handle);
    rig.settle();
    expect(rig.wire.requests).toMatchObject([{ id, attempt: 1 }]);
    // What the first stream still says is not heard.
    rig.wires[0]!.reply(id);
    expect(rig.answers).toEqual([]);
    rig.wire.reply(id);
    expect(rig.answersOf(id)).toEqual(['OK']);
  });

  it('after GoAway finishes what is out there and sends new requests elsewhere', () => {
    const rig = new SessionRig({ addresses: ['a:1', 'b:1'] });
    const lane = rig.ready();
    const out = rig.issue(lane, OPS.WRITE);
    rig.settle();
    const old = rig.wire;
    old.goAway();
    const fresh = rig.issue(lane, OPS.WRITE);
    rig.advance(100);
    expect(rig.wire.address).toBe('b:1');
    rig.wire.welcome({ hostId: 'host-b' });
    rig.settle();
    rig.wire.opened(lane.handle);
    rig.settle();
    expect(rig.wire.requests).toMatchObject([{ id: fresh, attempt: 0 }]);
    // Credit and cancels of the old stream are its own.
    rig.session.cancel(out);
    rig.settle();
    expect(old.last.cancels).toEqual([{ id: out }]);
    old.reply(out);
    expect(rig.answersOf(out)).toEqual(['OK']);
    expect(old.state).toBe('ended');
  });

  it('does not dial the host that it is leaving before it has left', () => {
    const rig = new SessionRig();
    const lane = rig.ready();
    const out = rig.issue(lane, OPS.READ);
    rig.settle();
    rig.wire.goAway();
    rig.advance(5_000);
    expect(rig.wires).toHaveLength(1);
    rig.wire.reply(out);
    rig.advance(1_000);
    expect(rig.wires).toHaveLength(2);
  });

  it('takes requests that crossed the GoAway elsewhere, whatever they are', () => {
    const rig = new SessionRig({ addresses: ['a:1', 'b:1'], resendWrites: 'never' });
    const lane = rig.ready();
    const id = rig.issue(lane, OPS.WRITE);
    rig.settle();
    rig.wire.events.received(
      serverFrame({ goAway: { reason: 'stop', graceMs: 1 }, replies: [wireReply(id, 'DRAINING')] }),
    );
    expect(rig.answers).toEqual([]);
    rig.advance(100);
    rig.wire.welcome({ hostId: 'host-b' });
    rig.settle();
    rig.wire.opened(lane.handle);
    rig.settle();
    expect(rig.wire.requests).toMatchObject([{ id, attempt: 1 }]);
    rig.wire.reply(id);
    expect(rig.answersOf(id)).toEqual(['OK']);
  });

  it('passes DRAINING on where it is the device that drains', () => {
    const rig = new SessionRig();
    const lane = rig.ready();
    const id = rig.issue(lane, OPS.READ);
    rig.settle();
    rig.wire.reply(id, 'DRAINING');
    expect(rig.answersOf(id)).toEqual(['DRAINING']);
  });

  it('fails what is pending after maxOutageMs, refuses what is new, and recovers', () => {
    const rig = new SessionRig({ maxOutageMs: 1_000 });
    const lane = rig.ready();
    const sent = [OPS.READ, OPS.WRITE, OPS.TRIM, OPS.WRITE_ZEROES].map((op) => rig.issue(lane, op));
    rig.settle();
    rig.wire.cut('reset by peer');
    const unsent = rig.issue(lane, OPS.WRITE);
    for (let ms = 0; ms < 1_000; ms += 50) {
      rig.advance(50);
      if (rig.wire.state === 'open') rig.wire.cut('refused');
    }
    expect(sent.map((id) => rig.answersOf(id)[0])).toEqual([
      'DEADLINE_EXCEEDED',
      'OUTCOME_UNKNOWN',
      'OUTCOME_UNKNOWN',
      'OUTCOME_UNKNOWN',
    ]);
    expect(rig.answersOf(unsent)).toEqual(['DEADLINE_EXCEEDED']);
    expect(rig.answers[0]!.message).toMatch(/max_outage_ms 1000.*a:1: refused/);
    expect(() => rig.issue(lane, OPS.READ)).toThrow(/max_outage_ms/);
    expect(() => rig.session.openLane('disk0', 'acme', rig)).toThrow(/max_outage_ms/);
    rig.advance(2_000);
    rig.wire.welcome({ hostId: 'host-c' });
    rig.settle();
    rig.wire.opened(lane.handle);
    rig.settle();
    const id = rig.issue(lane, OPS.READ);
    rig.settle();
    rig.wire.reply(id);
    expect(rig.answersOf(id)).toEqual(['OK']);
  });

  it('answers what is pending on a handle that is refused when opened again', () => {
    const rig = new SessionRig();
    const lane = rig.ready();
    const [read, write] = [rig.issue(lane, OPS.READ), rig.issue(lane, OPS.WRITE)];
    rig.settle();
    rig.wire.cut();
    rig.advance(150);
    rig.wire.welcome({ hostId: 'host-b', fenceMs: 1_000 });
    rig.settle();
    rig.wire.refused(lane.handle, 'NOT_FOUND');
    expect([rig.answersOf(read), rig.answersOf(write)]).toEqual([['NOT_FOUND'], ['OUTCOME_UNKNOWN']]);
    expect(() => rig.issue(lane, OPS.READ)).toThrow(/NOT_FOUND/);
    rig.wire.cut();
    rig.advance(1_000);
    rig.wire.welcome({ hostId: 'host-b' });
    rig.settle();
    rig.wire.opened(lane.handle);
    expect(() => rig.issue(lane, OPS.READ)).not.toThrow();
  });

  it('ignores what is said of handles and requests that it does not know', () => {
    const rig = new SessionRig();
    rig.ready();
    rig.wire.events.received(
      serverFrame({
        opened: [
          { handle: 99, code: CODES.OK, message: '', sizeBytes: 1, blockBytes: 1, readOnly: false, lease: false },
        ],
        credits: [{ handle: 99, requestsTotal: 5, bytesTotal: 5 }],
        replies: [wireReply(12_345)],
      }),
    );
    expect(rig.answers).toEqual([]);
  });
});
