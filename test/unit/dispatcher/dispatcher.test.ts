import { describe, expect, test } from 'vitest';
import { DEVICE_QUEUED_BYTES_MAX } from '../../../src/core/admission.js';
import { PendingIo } from '../../../src/core/pending-io.js';
import { OPS } from '../../../src/core/model/request.js';
import { MIB, NS_PER_MS } from '../../../src/core/model/units.js';
import { Rig } from '../../support/dispatcher-rig.js';

describe('a request', () => {
  test('is served, answered once and counted', () => {
    const rig = new Rig();
    const io = rig.send('a');
    expect(rig.device.held).toEqual([io]);
    rig.clock.runFor(5 * NS_PER_MS);
    rig.device.complete();
    expect(rig.answered).toEqual([io]);
    expect(io).toMatchObject({ state: 'completed', code: 'OK', serviceNs: 5 * NS_PER_MS, queueNs: 0 });
    expect(rig.counted('a')).toEqual({ count: 1, bytes: 4096, errors: 0, cost: 1 });
  });

  test('that fails at the device is answered with the reason and counted as an error', () => {
    const rig = new Rig();
    const io = rig.send('a');
    rig.device.complete('DEVICE_IO', 'EIO');
    expect(io).toMatchObject({ code: 'DEVICE_IO', message: 'EIO' });
    expect(rig.counted('a')).toMatchObject({ count: 1, bytes: 0, errors: 1 });
  });

  test.each([
    [
      OPS.READ,
      2 ** 40 - 512,
      1024,
      'OUT_OF_RANGE',
      'offset + length must be at most 1099511627776, got 1099511627264 + 1024',
    ],
    [OPS.READ, 100, 512, 'INVALID_ARGUMENT', 'offset must be a multiple of 512, got 100'],
    [OPS.READ, 2 ** 39 + 1, 512, 'INVALID_ARGUMENT', 'offset must be a multiple of 512, got 549755813889'],
    [OPS.WRITE, 0, 700, 'INVALID_ARGUMENT', 'length must be a multiple of 512 and above 0, got 700'],
    [OPS.TRIM, 0, 0, 'INVALID_ARGUMENT', 'length must be a multiple of 512 and above 0, got 0'],
  ] as const)('op %i at %i of %i bytes is refused as %s', (op, offset, length, code, message) => {
    const rig = new Rig();
    const io = rig.send('a', rig.io(op, offset, length));
    expect(io).toMatchObject({ state: 'completed', code, message });
    expect(rig.answered).toEqual([io]);
    expect(rig.device.submitted).toBe(0);
    expect(rig.counted('a').count).toBe(0);
  });

  test('that would change a read-only device is refused; a flush is not', () => {
    const rig = new Rig();
    rig.device.readOnly = true;
    expect(rig.send('a', rig.io(OPS.WRITE))).toMatchObject({ code: 'READ_ONLY' });
    expect(rig.send('a', rig.io(OPS.WRITE_ZEROES))).toMatchObject({ code: 'READ_ONLY' });
    rig.send('a', rig.io(OPS.FLUSH, 0, 0));
    expect(rig.device.submitted).toBe(1);
  });
});

describe('the bounds of the queues', () => {
  test('of requests in a flow: the next one is refused, none is lost', () => {
    const rig = new Rig({ depth: 1, maxQueuedRequests: 3 });
    for (let i = 0; i < 4; i++) rig.send('a');
    expect(rig.send('a')).toMatchObject({ code: 'QUEUE_FULL', message: 'tag a has max_queued_requests (3) waiting' });
    rig.send('b');
    while (rig.device.held.length > 0) rig.device.complete();
    expect(rig.answered.filter((io) => io.code === 'OK')).toHaveLength(5);
  });

  test('of bytes in a flow', () => {
    const rig = new Rig({ depth: 1, maxQueuedBytes: 8192 });
    rig.send('a');
    rig.send('a');
    rig.send('a');
    expect(rig.send('a')).toMatchObject({
      code: 'QUEUE_FULL',
      message: 'tag a would have more than max_queued_bytes (8192) waiting',
    });
    expect(rig.send('a', rig.io(OPS.FLUSH, 0, 0)).state).toBe('queued');
  });

  test('of bytes over all flows of the device', () => {
    const rig = new Rig({ depth: 1, maxQueuedBytes: DEVICE_QUEUED_BYTES_MAX });
    rig.send('first');
    rig.send('a', rig.io(OPS.READ, 0, DEVICE_QUEUED_BYTES_MAX));
    expect(rig.send('b')).toMatchObject({ code: 'QUEUE_FULL' });
    expect(rig.send('b').message).toContain(String(DEVICE_QUEUED_BYTES_MAX));
  });
});

describe('cancelling', () => {
  test('a queued request answers CANCELLED, charges nothing and leaves the others their order', () => {
    const rig = new Rig({ depth: 1 });
    const [at, first, second, third] = [rig.send('a'), rig.send('a'), rig.send('a'), rig.send('a')];
    expect(rig.dispatcher.cancel(second)).toBe(true);
    expect(second).toMatchObject({ state: 'completed', code: 'CANCELLED', charged: 0 });
    for (let i = 0; i < 3; i++) rig.device.complete();
    expect(rig.answered).toEqual([second, at, first, third]);
    expect(rig.counted('a')).toMatchObject({ count: 3, cost: 3 });
  });

  test('what is at the device, or answered, is left alone', () => {
    const rig = new Rig();
    const io = rig.send('a');
    expect(rig.dispatcher.cancel(io)).toBe(false);
    rig.device.complete();
    expect(rig.dispatcher.cancel(io)).toBe(false);
    expect(rig.answered).toEqual([io]);
  });

  test('the charge of the next request is not affected: shares hold among those that stay', () => {
    const rig = new Rig({ depth: 1 });
    rig.send('x');
    const cancelled = Array.from({ length: 100 }, () => rig.send('a'));
    for (let i = 0; i < 10; i++) {
      rig.send('a');
      rig.send('b');
    }
    for (const io of cancelled) rig.dispatcher.cancel(io);
    rig.device.complete();
    for (let i = 0; i < 9; i++) rig.device.complete();
    const [a, b] = [rig.counted('a').count, rig.counted('b').count];
    expect(Math.abs(a - b)).toBeLessThanOrEqual(1);
  });
});

describe('the queue timeout', () => {
  test('answers DEADLINE_EXCEEDED at its time, and only what still waits', () => {
    const rig = new Rig({ depth: 1 });
    const served = rig.send('a', rig.io(OPS.READ, 0, 4096, 10 * NS_PER_MS));
    const late = rig.send('a', rig.io(OPS.READ, 0, 4096, 20 * NS_PER_MS));
    const later = rig.send('b', rig.io(OPS.READ, 0, 4096, 5 * NS_PER_MS));
    rig.clock.runUntil(4 * NS_PER_MS);
    expect(rig.answered).toEqual([]);
    rig.clock.runUntil(30 * NS_PER_MS);
    expect(rig.answered).toEqual([later, late]);
    expect(later).toMatchObject({ code: 'DEADLINE_EXCEEDED', message: 'queue_timeout_us (5000) passed in queue' });
    expect(later.queueNs).toBe(5 * NS_PER_MS);
    rig.device.complete();
    expect(served.code).toBe('OK');
    expect(rig.counted('a')).toMatchObject({ count: 1, cost: 1 });
  });
});

describe('the I/O timeout', () => {
  test('answers DEVICE_IO, frees the slot once, and ignores the late completion', () => {
    const rig = new Rig({ depth: 1, ioTimeoutMs: 100 });
    const hung = rig.send('a');
    const next = rig.send('b');
    rig.clock.runFor(100 * NS_PER_MS);
    expect(hung).toMatchObject({ code: 'DEVICE_IO', message: 'timed out at the device (io_timeout_ms 100)' });
    expect(rig.dispatcher.suspect).toBe(true);
    expect(rig.device.held).toEqual([hung, next]);
    rig.device.complete('OK', '', hung);
    expect(rig.dispatcher.suspect).toBe(false);
    expect(rig.answered).toEqual([hung]);
    rig.send('c');
    expect(rig.device.held).toEqual([next]);
    rig.device.complete();
    expect(rig.answered).toEqual([hung, next]);
  });

  test('as many hung requests as the depth do not end the device', () => {
    const rig = new Rig({ depth: 4, ioTimeoutMs: 100 });
    for (let i = 0; i < 4; i++) rig.send('a');
    const after = Array.from({ length: 4 }, () => rig.send('b'));
    rig.clock.runFor(100 * NS_PER_MS);
    expect(rig.device.held.slice(4)).toEqual(after);
    for (const io of after) rig.device.complete('OK', '', io);
    expect(after.every((io) => io.code === 'OK')).toBe(true);
  });

  test('says of a write that its outcome is not known', () => {
    const rig = new Rig({ ioTimeoutMs: 50 });
    const io = rig.send('a', rig.io(OPS.WRITE));
    rig.clock.runFor(50 * NS_PER_MS);
    expect(io.message).toContain('whether it was executed is not known');
  });

  test('tells the sink again when the device has let go of what it was lent', () => {
    const rig = new Rig({ ioTimeoutMs: 100 });
    const returned: boolean[] = [];
    const sink = { completed: () => undefined, returned: (io: PendingIo) => returned.push(io.abandoned) };
    const send = (): PendingIo =>
      rig.send('a', new PendingIo(OPS.READ, 0, 512, new Uint8Array(512), false, 0, 0, 0, sink));
    const late = send();
    rig.clock.runFor(100 * NS_PER_MS);
    expect([late.abandoned, returned]).toEqual([true, []]);
    rig.device.complete('OK', '', late);
    expect(returned).toEqual([true]);
    const inTime = send();
    rig.device.complete();
    expect([inTime.abandoned, returned]).toEqual([false, [true]]);
  });

  test('a shorter timeout acts on what is outstanding', () => {
    const rig = new Rig({ ioTimeoutMs: 60_000 });
    const io = rig.send('a');
    rig.patch({ ioTimeoutMs: 10 });
    rig.clock.runFor(10 * NS_PER_MS);
    expect(io.code).toBe('DEVICE_IO');
  });
});

describe('a large range', () => {
  const lengthBytes = 100 * MIB;

  test('is served in pieces, one decision each, that cover it exactly; others get their turn between', () => {
    const rig = new Rig({ depth: 1 });
    const trim = rig.send('a', rig.io(OPS.TRIM, MIB, lengthBytes));
    const other = rig.send('b');
    const order: string[] = [];
    const pieces: [number, number][] = [];
    while (rig.device.held.length > 0) {
      const io = rig.device.held[0]!;
      order.push(io.op === OPS.TRIM ? 'trim' : 'read');
      if (io.op === OPS.TRIM) pieces.push([io.offset, io.lengthBytes]);
      rig.device.complete();
    }
    let at = MIB;
    for (const [offset, length] of pieces) {
      expect(offset).toBe(at);
      at += length;
    }
    expect(at).toBe(MIB + lengthBytes);
    expect(pieces.length).toBeGreaterThan(2);
    expect(order.indexOf('read')).toBeLessThan(order.length - 1);
    expect(rig.answered).toEqual([other, trim]);
    expect(rig.counted('a')).toMatchObject({ count: 1, bytes: lengthBytes, cost: trim.cost * pieces.length });
  });

  test('pieces go side by side at depth, also on a device that completes at once', () => {
    const rig = new Rig({ depth: 8 });
    const slow = rig.send('a', rig.io(OPS.WRITE_ZEROES, 0, lengthBytes));
    expect(rig.device.held.length).toBeGreaterThan(2);
    while (rig.device.held.length > 0) rig.device.complete();
    rig.device.immediate = true;
    const fast = rig.send('a', rig.io(OPS.TRIM, 0, lengthBytes));
    expect(rig.answered).toEqual([slow, fast]);
    expect(rig.counted('a')).toMatchObject({ count: 2, bytes: 2 * lengthBytes });
  });

  test('a failed piece fails it, and what has not been sent is not sent', () => {
    const rig = new Rig({ depth: 1 });
    const trim = rig.send('a', rig.io(OPS.TRIM, 0, lengthBytes));
    const other = rig.send('b');
    rig.device.complete('DEVICE_IO', 'EIO');
    while (rig.device.held.length > 0) rig.device.complete();
    expect(trim).toMatchObject({ code: 'DEVICE_IO', message: 'EIO' });
    expect(other.code).toBe('OK');
    expect(rig.device.submitted).toBe(2);
    rig.send('a');
    rig.device.complete();
    expect(rig.answered).toHaveLength(3);
  });

  test('can be cancelled before its first piece, not after', () => {
    const rig = new Rig({ depth: 1 });
    rig.send('b');
    const trim = rig.send('a', rig.io(OPS.TRIM, 0, lengthBytes, NS_PER_MS));
    rig.device.complete();
    expect(rig.dispatcher.cancel(trim)).toBe(false);
    rig.clock.runFor(5 * NS_PER_MS);
    while (rig.device.held.length > 0) rig.device.complete();
    expect(trim.code).toBe('OK');
    rig.send('b');
    const second = rig.send('a', rig.io(OPS.TRIM, 0, lengthBytes));
    expect(rig.dispatcher.cancel(second)).toBe(true);
    expect(second.charged).toBe(0);
  });
});

describe('the split of the queue time', () => {
  test('behind own, then slots, then share', () => {
    const rig = new Rig({ depth: 1 });
    rig.shares.set('big', 10_000);
    rig.shares.set('small', 1);
    rig.send('small');
    rig.device.complete();
    rig.send('big');
    const [first, second] = [rig.send('small'), rig.send('small')];
    for (let i = 0; i < 3; i++) rig.send('big');
    // The device is busy with big's first until 10 ms: nobody could go. Then big is owed first until 40 ms.
    for (let i = 0; i < 6; i++) {
      rig.clock.runFor(10 * NS_PER_MS);
      rig.device.complete();
    }
    expect(first).toMatchObject({ behindOwnNs: 0, slotsNs: 10 * NS_PER_MS, shareNs: 30 * NS_PER_MS });
    expect(second).toMatchObject({ behindOwnNs: 40 * NS_PER_MS, slotsNs: 10 * NS_PER_MS, shareNs: 0 });
    expect(second.queueNs).toBe(50 * NS_PER_MS);
  });
});

describe('under load', () => {
  test('settings and shares act on what is already queued', () => {
    const rig = new Rig({ depth: 1, scheduler: 'fifo' });
    for (let i = 0; i < 40; i++) rig.send('loud');
    for (let i = 0; i < 40; i++) rig.send('quiet');
    for (let i = 0; i < 10; i++) rig.device.complete();
    expect(rig.answered.length).toBe(10);
    rig.shares.set('quiet', 300);
    rig.patch({ depth: 1, scheduler: 'fair' });
    for (let i = 0; i < 20; i++) rig.device.complete();
    const quiet = rig.counted('quiet').count;
    expect(quiet).toBeGreaterThanOrEqual(14);
    rig.shares.set('quiet', 100);
    rig.dispatcher.sharesChanged('quiet');
    for (let i = 0; i < 20; i++) rig.device.complete();
    expect(rig.counted('quiet').count - quiet).toBeGreaterThanOrEqual(9);
    expect(rig.counted('quiet').count - quiet).toBeLessThanOrEqual(11);
    rig.patch({ depth: 8, scheduler: 'stride' });
    expect(rig.device.held).toHaveLength(8);
    while (rig.device.held.length > 0) rig.device.complete();
    expect(rig.answered).toHaveLength(80);
    expect(rig.dispatcher).toMatchObject({ queued: 0, outstanding: 0 });
  });

  test('a device that completes inside submit does not grow the stack', () => {
    const rig = new Rig({ depth: 1, maxQueuedRequests: 200_000 });
    const first = rig.send('a');
    for (let i = 0; i < 100_000; i++) rig.send('a');
    rig.device.immediate = true;
    rig.device.complete();
    expect(first.code).toBe('OK');
    expect(rig.answered).toHaveLength(100_001);
  });

  test('idle flows are forgotten, whatever tags come by', () => {
    const rig = new Rig();
    rig.device.immediate = true;
    for (let i = 0; i < 5_000; i++) rig.send(`t${String(i)}`);
    for (let i = 0; i < 5_000; i++) rig.send(`t${String(i)}`);
    expect(rig.answered.every((io) => io.code === 'OK')).toBe(true);
    expect(rig.counted('t17').count).toBe(2);
  });

  test('idle() resolves when nothing is left', async () => {
    const rig = new Rig({ depth: 1 });
    rig.send('a');
    const queued = rig.send('a');
    let idle = false;
    const wait = rig.dispatcher.idle().then(() => (idle = true));
    rig.device.complete();
    await Promise.resolve();
    expect(idle).toBe(false);
    rig.dispatcher.cancel(queued);
    expect(rig.device.held).toEqual([queued]);
    rig.device.complete();
    await wait;
    rig.dispatcher.close();
  });
});
