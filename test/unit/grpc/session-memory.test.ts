import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../../../src/clock/virtual.js';
import { OPS } from '../../../src/core/model/request.js';
import { NS_PER_S } from '../../../src/core/model/units.js';
import { PendingIo } from '../../../src/core/pending-io.js';
import { SessionMemory, SessionRecord } from '../../../src/doors/grpc/session-memory.js';

function answered(id: number, code: PendingIo['code'] = 'OK'): PendingIo {
  const io = new PendingIo(OPS.WRITE, 0, 512, new Uint8Array(512), false, 0, id, 0, { completed: () => undefined });
  io.state = 'completed';
  io.code = code;
  return io;
}

describe('the outcomes of a session', () => {
  test('the last ones are kept, as many as the handles’ windows', () => {
    const record = new SessionRecord('s');
    record.grow(3);
    for (let id = 1; id <= 5; id++) record.remember(answered(id));
    expect([1, 2, 3, 4, 5].map((id) => record.recall(id)?.code)).toEqual([undefined, undefined, 'OK', 'OK', 'OK']);
    record.grow(2);
    for (let id = 6; id <= 8; id++) record.remember(answered(id));
    record.restart();
    expect([3, 4, 5, 6, 7, 8].map((id) => record.recall(id)?.code)).toEqual([undefined, 'OK', 'OK', 'OK', 'OK', 'OK']);
  });

  test('only of what was executed', () => {
    const record = new SessionRecord('s');
    record.grow(8);
    record.remember(answered(1, 'CANCELLED'));
    record.remember(answered(2, 'QUEUE_FULL'));
    record.remember(answered(3, 'DEVICE_IO'));
    expect([1, 2, 3].map((id) => record.recall(id)?.code)).toEqual([undefined, undefined, 'DEVICE_IO']);
  });
});

describe('sessions', () => {
  test('are known while their stream lives and two minutes longer', () => {
    const clock = new VirtualClock();
    const memory = new SessionMemory(clock);
    const first = memory.attach('s', () => undefined);
    expect(first.resumed).toBe(false);
    clock.runFor(600 * NS_PER_S);
    memory.detach(first.record);
    clock.runFor(119 * NS_PER_S);
    const second = memory.attach('s', () => undefined);
    expect(second).toMatchObject({ resumed: true, record: first.record });
    memory.detach(second.record);
    clock.runFor(121 * NS_PER_S);
    expect(memory.attach('s', () => undefined).resumed).toBe(false);
    memory.close();
  });

  test('a stream that has the session is ended by the next', () => {
    const memory = new SessionMemory(new VirtualClock());
    const ended: string[] = [];
    const { record } = memory.attach('s', () => {
      ended.push('first');
      memory.detach(record);
    });
    expect(memory.attach('s', () => ended.push('second'))).toMatchObject({ resumed: true });
    expect(ended).toEqual(['first']);
    memory.close();
  });

  test('past the bound the one longest without a stream is forgotten, none that has one', () => {
    const memory = new SessionMemory(new VirtualClock());
    memory.attach('live', () => undefined);
    for (let i = 0; i < 4_096; i++) memory.detach(memory.attach(`s${String(i)}`, () => undefined).record);
    expect(memory.attach('s0', () => undefined).resumed).toBe(false);
    expect(memory.attach('s1', () => undefined).resumed).toBe(true);
    expect(memory.attach('live', () => undefined).resumed).toBe(true);
    memory.close();
  });
});
