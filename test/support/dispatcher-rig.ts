/** A dispatcher on a device that the test completes by hand, under the virtual clock. */
import { VirtualClock } from '../../src/clock/virtual.js';
import { LocalGate } from '../../src/coordination/local/gate.js';
import { Dispatcher } from '../../src/core/dispatcher.js';
import {
  DEFAULT_SETTINGS,
  patchSettings,
  type DeviceSettings,
  type DeviceSettingsPatch,
} from '../../src/core/model/device.js';
import type { Code } from '../../src/core/model/errors.js';
import { SHARES_DEFAULT } from '../../src/core/model/policy.js';
import { OPS, type DeviceDone, type DeviceIo, type Op } from '../../src/core/model/request.js';
import type { BlockDevice, Logger } from '../../src/core/ports.js';
import { PendingIo, type IoSink } from '../../src/core/pending-io.js';
import { Ledger } from '../../src/core/usage.js';

export const quiet: Logger = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** Holds what it is given until the test lets it go. */
export class ManualDevice implements BlockDevice {
  readonly sizeBytes: number = 2 ** 40;
  readonly blockBytes: number = 512;
  readOnly = false;
  /** Completes inside submit. */
  immediate = false;
  readonly held: DeviceIo[] = [];
  submitted = 0;
  #done: DeviceDone | null = null;
  readonly #clock: VirtualClock;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  submit(io: DeviceIo, done: DeviceDone): void {
    this.submitted += 1;
    this.#done = done;
    if (this.immediate) this.#end(io, 'OK', '');
    else this.held.push(io);
  }

  /** Lets go of the oldest held request, or of the one given. */
  complete(code: Code = 'OK', message = '', io: DeviceIo = this.held[0]!): void {
    this.held.splice(this.held.indexOf(io), 1);
    this.#end(io, code, message);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #end(io: DeviceIo, code: Code, message: string): void {
    io.finishedNs = this.#clock.nowNs();
    this.#done!(io, code, message);
  }
}

export class Rig {
  readonly clock = new VirtualClock(1_700_000_000_000);
  readonly device = new ManualDevice(this.clock);
  readonly ledger = new Ledger(this.clock);
  readonly shares = new Map<string, number>();
  readonly answered: PendingIo[] = [];
  readonly settings: DeviceSettings;
  readonly dispatcher: Dispatcher;
  readonly sink: IoSink = { completed: (io) => this.answered.push(io) };

  constructor(patch: DeviceSettingsPatch = {}) {
    this.settings = patchSettings(DEFAULT_SETTINGS, patch);
    const sharesOf = (tag: string): { shares: number; selfShares: number } => ({
      shares: this.shares.get(tag) ?? SHARES_DEFAULT,
      selfShares: SHARES_DEFAULT,
    });
    this.dispatcher = new Dispatcher({
      name: 'disk0',
      clock: this.clock,
      device: this.device,
      gate: new LocalGate(this.clock, this.settings, sharesOf),
      ledger: this.ledger,
      settings: this.settings,
      logger: quiet,
    });
  }

  #nextId = 0;

  io(op: Op = OPS.READ, offset = 0, lengthBytes = 4096, queueTimeoutNs = 0): PendingIo {
    const data = op === OPS.WRITE ? new Uint8Array(lengthBytes) : null;
    return new PendingIo(op, offset, lengthBytes, data, false, queueTimeoutNs, this.#nextId++, 0, this.sink);
  }

  /** Submits a 4 KiB read, or what is given. */
  send(tag: string, io: PendingIo = this.io()): PendingIo {
    this.dispatcher.submit(io, tag);
    return io;
  }

  patch(patch: DeviceSettingsPatch): void {
    this.dispatcher.configure(patchSettings(this.settings, patch));
  }

  /** What the ledger counts of a tag in all: executions and bytes. */
  counted(tag: string): { count: number; bytes: number; errors: number; cost: number } {
    const sum = { count: 0, bytes: 0, errors: 0, cost: 0 };
    const rows = this.ledger.query({
      device: '',
      tagPrefix: tag,
      fromMs: 0,
      toMs: 0,
      stepMs: 0,
      groupLevel: 0,
      orderBy: 'tag',
      topN: 0,
      apart: [],
      quantiles: [],
    });
    for (const row of rows) {
      // An inner node stands apart from what is below it.
      if (row.tag !== tag && row.tag !== `${tag}/.`) continue;
      for (const op of row.ops) {
        sum.count += op.count;
        sum.bytes += op.bytes;
        sum.errors += op.errors;
        sum.cost += op.cost;
      }
    }
    return sum;
  }
}
