/** Whatever happens in whatever order, the dispatcher's promises hold. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SCHEDULERS } from '../../../src/core/model/device.js';
import { OPS, type Op } from '../../../src/core/model/request.js';
import { MIB, NS_PER_MS } from '../../../src/core/model/units.js';
import type { PendingIo } from '../../../src/core/pending-io.js';
import { Rig } from '../../support/dispatcher-rig.js';

const TAGS = ['a', 'b', 'b/x', 'b/y', 'c/d/e'];
const IO_TIMEOUT_MS = 50;

const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('send' as const),
      tag: fc.constantFrom(...TAGS),
      op: fc.constantFrom(...Object.values(OPS)),
      large: fc.boolean(),
      timeoutMs: fc.constantFrom(0, 0, 1, 7),
    }),
  },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('complete' as const), at: fc.nat(), fails: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('cancel' as const), at: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 60 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('configure' as const),
      scheduler: fc.constantFrom(...SCHEDULERS),
      depth: fc.integer({ min: 1, max: 6 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('shares' as const),
      tag: fc.constantFrom(...TAGS),
      shares: fc.integer({ min: 1, max: 10_000 }),
    }),
  },
);

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

class History {
  readonly rig = new Rig({ depth: 3, maxQueuedRequests: 20, ioTimeoutMs: IO_TIMEOUT_MS });
  readonly sent: { io: PendingIo; tag: string }[] = [];
  depth = 3;
  depthEver = 3;

  act(action: Step): void {
    const { rig } = this;
    const { held } = rig.device;
    switch (action.kind) {
      case 'send': {
        const flush = action.op === OPS.FLUSH;
        const ranged = action.op === OPS.TRIM || action.op === OPS.WRITE_ZEROES;
        const lengthBytes = flush ? 0 : action.large && ranged ? 70 * MIB : 4096;
        const io = rig.io(action.op, 0, lengthBytes, action.timeoutMs * NS_PER_MS);
        this.sent.push({ io, tag: action.tag });
        rig.send(action.tag, io);
        break;
      }
      case 'complete': {
        const io = held[action.at % Math.max(1, held.length)];
        if (io !== undefined) rig.device.complete(action.fails ? 'DEVICE_IO' : 'OK', '', io);
        break;
      }
      case 'cancel': {
        const entry = this.sent[action.at % Math.max(1, this.sent.length)];
        if (entry !== undefined) rig.dispatcher.cancel(entry.io);
        break;
      }
      case 'pass':
        rig.clock.runFor(action.ms * NS_PER_MS);
        break;
      case 'configure':
        this.depth = action.depth;
        this.depthEver = Math.max(this.depthEver, action.depth);
        rig.patch({
          scheduler: action.scheduler,
          depth: action.depth,
          ioTimeoutMs: IO_TIMEOUT_MS,
          maxQueuedRequests: 20,
        });
        break;
      case 'shares':
        rig.shares.set(action.tag, action.shares);
        rig.dispatcher.sharesChanged(action.tag);
        break;
    }
  }

  checkNow(): void {
    const { dispatcher, answered } = this.rig;
    expect(new Set(answered).size).toBe(answered.length);
    expect(dispatcher.outstanding).toBeLessThanOrEqual(this.depthEver);
    // Work-conserving: nothing waits while a slot is free.
    if (dispatcher.outstanding < this.depth) expect(dispatcher.queued).toBe(0);
    for (const { io } of this.sent) expect(io.state === 'completed').toBe(answered.includes(io));
  }

  finish(): void {
    const { rig } = this;
    for (let round = 0; round < 10_000 && rig.device.held.length > 0; round++) rig.device.complete();
    expect(rig.dispatcher).toMatchObject({ queued: 0, outstanding: 0, suspect: false });
    expect(rig.answered).toHaveLength(this.sent.length);
    for (const tag of TAGS) {
      const executed = this.sent.filter(({ io, tag: of }) => of === tag && io.charged > 0).map(({ io }) => io);
      const counted = rig.counted(tag);
      expect(counted.count).toBe(executed.length);
      expect(counted.errors).toBe(executed.filter((io) => io.code !== 'OK').length);
      expect(counted.cost).toBe(executed.reduce((sum, io) => sum + io.charged, 0));
    }
    for (const { io } of this.sent) {
      const parts = [io.behindOwnNs, io.limitNs, io.shareNs, io.slotsNs, io.coordinationNs];
      expect(Math.min(...parts)).toBeGreaterThanOrEqual(0);
      if (io.code === 'CANCELLED' || io.code === 'DEADLINE_EXCEEDED') expect(io.charged).toBe(0);
      else if (io.code === 'OK') expect(io.queueNs).toBe(io.submittedNs - io.arrivedNs);
    }
  }
}

const send = (tag: string, op: Op, large = false): Step => ({ kind: 'send', tag, op, large, timeoutMs: 0 });

/** Found once: what an earlier scheduler granted came back after the present one had given its leaf to another tag. */
const FOREIGN_COMPLETION: Step[] = [
  send('a', OPS.READ),
  send('a', OPS.WRITE_ZEROES, true),
  { kind: 'configure', scheduler: 'fifo', depth: 1 },
  send('b/y', OPS.READ),
  { kind: 'complete', at: 1, fails: true },
  send('c/d/e', OPS.READ),
];

describe('over random histories', () => {
  test('each request is answered once, slots and usage are exact', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const history = new History();
        for (const action of steps) {
          history.act(action);
          history.checkNow();
        }
        history.finish();
      }),
      { numRuns: process.env['SLUICE_LONG'] === '1' ? 100_000 : 1_000, examples: [[FOREIGN_COMPLETION]] },
    );
  }, 300_000);
});
