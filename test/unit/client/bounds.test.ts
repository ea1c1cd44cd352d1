import { describe, expect, it } from 'vitest';
import { OPS } from '../../../src/core/model/request.js';
import { MIB } from '../../../src/core/model/units.js';
import { SessionRig } from './fake-network.js';

describe('bounds, timeouts, cancellation', () => {
  it('refuses what would pass max_pending_requests or max_pending_bytes, and takes it once there is room', () => {
    const rig = new SessionRig({ maxPendingRequests: 3, maxPendingBytes: 3 * MIB });
    const lane = rig.ready();
    rig.issue(lane, OPS.READ, 0, 0, MIB);
    const second = rig.issue(lane, OPS.READ, 0, 0, 2 * MIB);
    expect(() => rig.issue(lane, OPS.READ)).toThrow(/max_pending_bytes \(3145728\)/);
    rig.issue(lane, OPS.FLUSH);
    expect(() => rig.issue(lane, OPS.FLUSH)).toThrow(/max_pending_requests \(3\)/);
    rig.settle();
    rig.wire.reply(second);
    expect(() => rig.issue(lane, OPS.READ)).not.toThrow();
  });

  it('counts waiting in the client as queueing: the host is told what is left of the timeout', () => {
    const rig = new SessionRig();
    rig.ready();
    const lane = rig.openLane('acme/slow', 1, MIB);
    const first = rig.issue(lane, OPS.READ);
    const second = rig.issue(lane, OPS.READ, 0, 100_000);
    rig.settle();
    rig.advance(30);
    rig.wire.reply(first);
    rig.wire.credit(lane.handle, 2, MIB);
    rig.settle();
    const sent = rig.wire.requests.find((request) => request.id === second)!;
    expect(sent.queueTimeoutUs).toBe(70_000);
  });

  it('ends the wait of a request that could not be sent in time', () => {
    const rig = new SessionRig();
    rig.ready();
    const lane = rig.openLane('acme/none', 0, 0);
    const id = rig.issue(lane, OPS.WRITE, 0, 50_000);
    const patient = rig.issue(lane, OPS.WRITE, 0, 200_000);
    rig.settle();
    rig.advance(49);
    expect(rig.answersOf(id)).toEqual([]);
    rig.advance(10);
    expect(rig.answersOf(id)).toEqual(['DEADLINE_EXCEEDED']);
    expect(rig.answersOf(patient)).toEqual([]);
    rig.advance(200);
    expect(rig.answersOf(patient)).toEqual(['DEADLINE_EXCEEDED']);
    rig.wire.credit(lane.handle, 10, MIB);
    rig.settle();
    expect(rig.wire.requests).toHaveLength(0);
  });

  it('drops a request that was taken back before it was sent', () => {
    const rig = new SessionRig();
    const lane = rig.ready();
    const id = rig.issue(lane, OPS.WRITE);
    rig.session.cancel(id);
    expect(rig.answersOf(id)).toEqual(['CANCELLED']);
    rig.settle();
    expect(rig.wire.requests).toHaveLength(0);
  });

  it('tells the host of one taken back later, and answers what really happened', () => {
    const rig = new SessionRig();
    const lane = rig.ready();
    const [queued, served] = [rig.issue(lane, OPS.WRITE), rig.issue(lane, OPS.WRITE)];
    rig.settle();
    for (const id of [queued, served, queued]) rig.session.cancel(id);
    rig.settle();
    expect(rig.wire.last.cancels).toEqual([{ id: queued }, { id: served }]);
    expect(rig.answers).toEqual([]);
    rig.wire.reply(queued, 'CANCELLED');
    rig.wire.reply(served, 'OK');
    expect([rig.answersOf(queued), rig.answersOf(served)]).toEqual([['CANCELLED'], ['OK']]);
    rig.session.cancel(served);
  });

  it('closes a handle after its last answer, and takes nothing on it meanwhile', () => {
    const rig = new SessionRig();
    const lane = rig.ready();
    const id = rig.issue(lane, OPS.READ);
    rig.settle();
    rig.session.closeLane(lane);
    expect(() => rig.issue(lane, OPS.READ)).toThrow(/handle 1 is closed/);
    rig.settle();
    expect(rig.told).not.toContain('closed 1');
    rig.wire.reply(id);
    rig.settle();
    expect(rig.told).toContain('closed 1');
    expect(rig.wire.last.close).toEqual([lane.handle]);
  });

  it('tells who opens a handle that the host refuses it, and its requests too', () => {
    const rig = new SessionRig();
    rig.ready();
    const lane = rig.session.openLane('disk9', 'acme', rig);
    rig.settle();
    rig.wire.refused(lane.handle, 'NOT_FOUND');
    expect(rig.told).toContain('refused 2 NOT_FOUND');
    expect(() => rig.issue(lane, OPS.READ)).toThrow(/said NOT_FOUND/);
  });

  it('drains: takes nothing new, calls back after the last answer', () => {
    const rig = new SessionRig();
    const lane = rig.ready();
    const id = rig.issue(lane, OPS.READ);
    rig.settle();
    let drained = false;
    rig.session.drain(() => (drained = true));
    expect(() => rig.issue(lane, OPS.READ)).toThrow(/closed/);
    expect(drained).toBe(false);
    rig.wire.reply(id);
    expect(drained).toBe(true);
    rig.session.destroy();
    expect(rig.wire.state).toBe('ended');
    expect(rig.clock.pending).toBe(0);
  });

  it('destroyed, answers what changes the device and was sent OUTCOME_UNKNOWN, all else CANCELLED', () => {
    const rig = new SessionRig();
    rig.ready();
    const lane = rig.openLane('acme/x', 3, MIB);
    const sent = [rig.issue(lane, OPS.WRITE), rig.issue(lane, OPS.READ), rig.issue(lane, OPS.FLUSH)];
    const unsent = rig.issue(lane, OPS.WRITE);
    rig.settle();
    rig.session.destroy();
    expect(sent.map((id) => rig.answersOf(id))).toEqual([['OUTCOME_UNKNOWN'], ['CANCELLED'], ['CANCELLED']]);
    expect(rig.answersOf(unsent)).toEqual(['CANCELLED']);
    expect(rig.wire.state).toBe('aborted');
    expect(rig.clock.pending).toBe(0);
  });
});
