import { describe, expect, it } from 'vitest';
import { OPS } from '../../../src/core/model/request.js';
import { MIB } from '../../../src/core/model/units.js';
import { FRAME_REQUESTS_MAX } from '../../../src/client/sender.js';
import { SessionRig, serverFrame, wireReply } from './fake-network.js';

describe('sending', () => {
  it('says hello first, then opens, each with what it needs', () => {
    const rig = new SessionRig();
    rig.session.start();
    expect(rig.wire.frames).toHaveLength(1);
    expect(rig.wire.frames[0]!.hello!.sessionId).toHaveLength(16);
    const early = rig.session.openLane('disk0', 'acme', rig);
    rig.settle();
    expect(rig.wire.frames).toHaveLength(1);
    rig.wire.welcome();
    rig.settle();
    expect(rig.wire.last.open).toEqual([{ handle: early.handle, device: 'disk0', tag: 'acme' }]);
  });

  it('sends what one turn issues in one frame', () => {
    const rig = new SessionRig();
    const lane = rig.ready();
    const before = rig.wire.frames.length;
    const ids = [0, 1, 2, 3, 4].map((i) => rig.issue(lane, OPS.READ, i * 4096));
    expect(rig.wire.frames).toHaveLength(before);
    rig.settle();
    expect(rig.wire.frames).toHaveLength(before + 1);
    expect(rig.wire.last.requests.map((request) => request.id)).toEqual(ids);
  });

  it('bounds a frame in requests and in bytes, and sends one that is larger alone', () => {
    const rig = new SessionRig();
    const lane = rig.ready({ maxFrameBytes: 100_000 });
    for (let i = 0; i < FRAME_REQUESTS_MAX + 10; i++) rig.issue(lane, OPS.READ);
    rig.settle();
    expect(rig.wire.frames.slice(-2).map((frame) => frame.requests.length)).toEqual([FRAME_REQUESTS_MAX, 10]);
    for (let i = 0; i < 4; i++) rig.issue(lane, OPS.WRITE, 0, 0, 40_960);
    rig.issue(lane, OPS.WRITE, 0, 0, 131_072);
    rig.settle();
    expect(rig.wire.frames.slice(-3).map((frame) => frame.requests.length)).toEqual([2, 2, 1]);
  });

  it('stays within the credit of each handle, and one that waits holds up no other', () => {
    const rig = new SessionRig();
    const poor = rig.ready();
    const narrow = rig.openLane('acme/narrow', 2, MIB);
    const thin = rig.openLane('acme/thin', 100, 10_000);
    const narrowIds = [1, 2, 3].map(() => rig.issue(narrow, OPS.READ));
    const thinIds = [1, 2, 3].map(() => rig.issue(thin, OPS.READ));
    const other = rig.issue(poor, OPS.READ);
    rig.settle();
    const sent = (): number[] => rig.wire.requests.map((request) => request.id);
    expect(sent().sort((a, b) => a - b)).toEqual([narrowIds[0], narrowIds[1], thinIds[0], thinIds[1], other]);
    rig.wire.credit(narrow.handle, 3, MIB);
    rig.settle();
    expect(sent()).toContain(narrowIds[2]);
    expect(sent()).not.toContain(thinIds[2]);
    // An older total that comes late takes nothing back.
    rig.wire.credit(thin.handle, 200, 3 * 4_096);
    rig.wire.credit(thin.handle, 50, 4_096);
    rig.settle();
    expect(sent()).toContain(thinIds[2]);
  });

  it('charges no bytes of credit for TRIM, WRITE_ZEROES, FLUSH and what the host answers TOO_LARGE', () => {
    const rig = new SessionRig();
    rig.ready({ maxIoBytes: 65_536 });
    const lane = rig.openLane('acme/free', 100, 0);
    rig.issue(lane, OPS.TRIM, 0, 0, MIB);
    rig.issue(lane, OPS.WRITE_ZEROES, 0, 0, MIB);
    rig.issue(lane, OPS.FLUSH);
    rig.issue(lane, OPS.READ, 0, 0, MIB);
    rig.settle();
    expect(rig.wire.last.requests.map((request) => request.op)).toEqual([
      OPS.TRIM,
      OPS.WRITE_ZEROES,
      OPS.FLUSH,
      OPS.READ,
    ]);
  });

  it('gives lanes turns, so that a backlog does not stand before another tag', () => {
    const rig = new SessionRig();
    const loud = rig.ready();
    const quiet = rig.openLane('acme/quiet');
    for (let i = 0; i < 600; i++) rig.issue(loud, OPS.READ);
    const late = rig.issue(quiet, OPS.READ);
    const before = rig.wire.frames.length;
    rig.settle();
    expect(rig.wire.frames[before]!.requests.map((request) => request.id)).toContain(late);
    expect(rig.wire.requests).toHaveLength(601);
  });

  it('waits for writable after a send that found no room', () => {
    const rig = new SessionRig();
    const lane = rig.ready();
    rig.wire.room = false;
    rig.issue(lane, OPS.READ);
    rig.settle();
    const held = rig.issue(lane, OPS.READ);
    rig.settle();
    expect(rig.wire.requests.map((request) => request.id)).not.toContain(held);
    rig.wire.room = true;
    rig.wire.events.writable();
    rig.settle();
    expect(rig.wire.requests.map((request) => request.id)).toContain(held);
  });

  it('answers each request once, with its token and all that the host said', () => {
    const rig = new SessionRig();
    const lane = rig.ready();
    const id = rig.session.issue(lane, OPS.READ, 0, 512, null, false, 0, '', rig, 77);
    rig.settle();
    const data = Buffer.from('x'.repeat(512));
    rig.wire.reply(id, 'OK', { data, cost: 3 });
    rig.wire.reply(id, 'OK', { data, cost: 3 });
    expect(rig.answers).toHaveLength(1);
    expect(rig.answers[0]).toMatchObject({
      token: 77,
      code: 'OK',
      reply: { cost: 3, data, slotsUs: 3, serviceUs: 40 },
    });
    expect(rig.session.pending).toBe(0);
  });

  it('never uses an id again, and finds the right request whatever straggles', () => {
    const rig = new SessionRig();
    const lane = rig.ready();
    const straggler = rig.issue(lane, OPS.READ);
    const seen = new Set([straggler]);
    for (let round = 0; round < 40; round++) {
      const ids = Array.from({ length: 20 }, () => rig.issue(lane, OPS.READ));
      rig.settle();
      for (const id of ids) {
        expect(seen.has(id)).toBe(false);
        seen.add(id);
      }
      rig.wire.events.received(serverFrame({ replies: ids.map((id) => wireReply(id)) }));
    }
    expect(rig.session.pending).toBe(1);
    rig.wire.reply(straggler);
    expect(rig.answersOf(straggler)).toEqual(['OK']);
    expect(rig.answers).toHaveLength(801);
  });

  it('goes on with the other replies when a sink throws, and reports what it threw', () => {
    const rig = new SessionRig();
    const lane = rig.ready();
    const [first, second] = [rig.issue(lane, OPS.READ), rig.issue(lane, OPS.READ)];
    rig.settle();
    const fault = new Error('a fault of the caller');
    rig.onAnswer = () => {
      if (rig.answers.length === 1) throw fault;
    };
    rig.wire.events.received(serverFrame({ replies: [wireReply(first), wireReply(second)] }));
    expect(rig.answers.map((answer) => answer.reply.id)).toEqual([first, second]);
    expect(rig.raised).toEqual([fault]);
  });
});
