/** Whatever happens in whatever order, a read through the cache says what a read of the device could have said. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { OPS, type DeviceIo } from '../../../src/core/model/request.js';
import { KIB, NS_PER_MS } from '../../../src/core/model/units.js';
import type { PendingIo } from '../../../src/core/pending-io.js';
import { Rig } from '../../support/dispatcher-rig.js';

const LINE = 4 * KIB;
const LINES = 12;
const IO_TIMEOUT_MS = 50;
/** Room for half of the device. */
const SETTINGS = { depth: 6, ioTimeoutMs: IO_TIMEOUT_MS, readCacheBytes: 5 * LINE };

const at = fc.nat(2 * LINES - 1);
const evenAt = fc.nat(LINES - 1).map((line) => 2 * line);
const halves = fc.constantFrom(1, 2, 2, 3, 4);
const step = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant('read' as const),
      at: fc.oneof(at, evenAt, evenAt),
      halves,
      ownPlace: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('change' as const),
      at,
      halves,
      op: fc.constantFrom(OPS.WRITE, OPS.WRITE, OPS.TRIM, OPS.WRITE_ZEROES),
    }),
  },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('execute' as const), which: fc.nat() }) },
  {
    weight: 14,
    arbitrary: fc.record({ kind: fc.constant('end' as const), which: fc.nat(), fails: fc.integer({ min: 0, max: 9 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('pass' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('resize' as const), lines: fc.constantFrom(0, 1, 5, 40) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/**
 * The disk counts changes of each half line: what it holds there is the number of the last that it executed.
 * It executes a request at any time while it has it, also one that has timed out.
 */
class History {
  readonly rig = new Rig(SETTINGS);
  readonly disk = new Array<number>(2 * LINES).fill(0);
  readonly executed = new Set<DeviceIo>();
  /** Of each half line, the numbers of changes that were executed, in order. */
  readonly histories = this.disk.map(() => [0]);
  /** Of a read, how long each history was when it was sent to us. */
  readonly since = new Map<PendingIo, number[]>();
  changes = 0;

  act(action: Step): void {
    const { rig } = this;
    const { held } = rig.device;
    switch (action.kind) {
      case 'read':
      case 'change': {
        const halves = Math.min(action.halves, 2 * LINES - action.at);
        const op = action.kind === 'read' ? OPS.READ : action.op;
        const io = rig.io(op, (action.at * LINE) / 2, (halves * LINE) / 2);
        if (action.kind === 'read') {
          if (action.ownPlace) io.data = new Uint8Array(io.lengthBytes);
          this.since.set(
            io,
            this.histories.map((history) => history.length - 1),
          );
        }
        rig.send('a', io);
        break;
      }
      case 'execute': {
        const io = held[action.which % Math.max(1, held.length)];
        if (io !== undefined) this.execute(io);
        break;
      }
      case 'end': {
        const io = held[action.which % Math.max(1, held.length)];
        if (io === undefined) break;
        const fails = action.fails === 0;
        // One that fails may have been executed, too.
        if (!fails) this.execute(io);
        rig.device.complete(fails ? 'DEVICE_IO' : 'OK', fails ? 'a fault' : '', io);
        break;
      }
      case 'pass':
        rig.clock.runFor((IO_TIMEOUT_MS + 1) * NS_PER_MS);
        break;
      case 'resize':
        rig.patch({ ...SETTINGS, readCacheBytes: action.lines * LINE });
    }
  }

  /** Once: a second time would be a second request. */
  execute(io: DeviceIo): void {
    if (this.executed.has(io)) return;
    this.executed.add(io);
    const from = (2 * io.offset) / LINE;
    const to = from + (2 * io.lengthBytes) / LINE;
    if (io.op === OPS.READ) {
      io.data ??= new Uint8Array(io.lengthBytes);
      const words = new Uint32Array(io.data.buffer, io.data.byteOffset, io.lengthBytes / 4);
      for (let half = from; half < to; half++)
        words.fill(this.disk[half]!, (half - from) * 512, (half - from + 1) * 512);
      return;
    }
    this.changes += 1;
    for (let half = from; half < to; half++) {
      this.disk[half] = this.changes;
      this.histories[half]!.push(this.changes);
    }
  }

  /** What has been read is what the disk held at some time since it was asked for. */
  checkAnswered(from: number): void {
    for (const io of this.rig.answered.slice(from)) {
      if (io.op !== OPS.READ || io.code !== 'OK') continue;
      const words = new Uint32Array(io.data!.buffer, io.data!.byteOffset, io.lengthBytes / 4);
      const first = (2 * io.offset) / LINE;
      for (let i = 0; i * 512 < words.length; i++) {
        const part = words.subarray(i * 512, (i + 1) * 512);
        const history = this.histories[first + i]!;
        expect(new Set(part).size).toBe(1);
        expect(history.slice(this.since.get(io)![first + i])).toContain(part[0]);
      }
    }
  }
}

test('over random histories', () => {
  let hits = 0;
  fc.assert(
    fc.property(fc.array(step, { minLength: 40, maxLength: 150 }), (steps) => {
      const history = new History();
      for (const action of steps) {
        const before = history.rig.answered.length;
        const submitted = history.rig.device.submitted;
        history.act(action);
        history.checkAnswered(before);
        if (
          action.kind === 'read' &&
          history.rig.device.submitted === submitted &&
          history.rig.answered.length > before
        ) {
          hits += 1;
        }
      }
    }),
    { numRuns: process.env['SLUICE_LONG'] === '1' ? 50_000 : 800 },
  );
  expect(hits).toBeGreaterThan(250);
}, 300_000);
