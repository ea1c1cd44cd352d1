/** A virtual disk behind CFQ in the guest: priorities among the applications of one virtual machine, and none below it. */
import { LocalGate } from '../../coordination/local/gate.js';
import { Dispatcher } from '../../core/dispatcher.js';
import { DEFAULT_SETTINGS } from '../../core/model/device.js';
import type { DeviceDone, DeviceIo, Op } from '../../core/model/request.js';
import { PendingIo } from '../../core/pending-io.js';
import type { IoSink } from '../../core/pending-io.js';
import type { BlockDevice, Clock } from '../../core/ports.js';
import { cfq } from '../../core/scheduling/baselines/cfq.js';
import { SILENT } from '../silent.js';
import type { Application } from './application.js';
import type { IoWaiter } from './hypervisor.js';
import { MACHINE } from './parameters.js';
import type { VirtualDisk } from './virtual-disk.js';

/** A request in the guest's block layer; its number is its PendingIo's id. */
interface Slot {
  application: Application;
  keep: boolean;
  waiter: IoWaiter;
  token: number;
  io: DeviceIo | null;
  done: DeviceDone | null;
}

/** What a guest is served is asked of its applications, not of its block layer. */
const NO_LEDGER = { account: () => ({ record: () => undefined }) };
const EVEN = { shares: 1, selfShares: 1 };

export class CfqDisk implements VirtualDisk, IoSink, IoWaiter {
  readonly #clock: Clock;
  readonly #below: VirtualDisk;
  readonly #dispatcher: Dispatcher;
  readonly #slots: Slot[] = [];
  readonly #free: number[] = [];

  /** @param below the virtual disk itself */
  constructor(clock: Clock, below: VirtualDisk, priorityOf: (tag: string) => number) {
    this.#clock = clock;
    this.#below = below;
    const settings = { ...DEFAULT_SETTINGS, depth: MACHINE.virtualDiskQueue, costModel: 'requests' as const };
    this.#dispatcher = new Dispatcher({
      name: 'virtual-disk',
      clock,
      device: this.#device(),
      gate: new LocalGate(clock, settings, () => EVEN, cfq(priorityOf)),
      ledger: NO_LEDGER,
      settings,
      logger: SILENT,
    });
  }

  submit(
    application: Application,
    op: Op,
    offset: number,
    lengthBytes: number,
    keep: boolean,
    waiter: IoWaiter,
    token: number,
  ): void {
    const id = this.#free.pop() ?? this.#slots.length;
    this.#slots[id] = { application, keep, waiter, token, io: null, done: null };
    this.#dispatcher.submit(new PendingIo(op, offset, lengthBytes, null, false, 0, id, 0, this), application.tag);
  }

  /** The guest's scheduler has it back. */
  completed(io: PendingIo): void {
    if (io.code !== 'OK') throw new Error(`a request in a guest failed: ${io.code}: ${io.message}`);
    const { waiter, token } = this.#slots[io.id]!;
    this.#free.push(io.id);
    waiter.ioDone(token);
  }

  /** The hypervisor has it back. */
  ioDone(id: number): void {
    const { io, done } = this.#slots[id]!;
    io!.finishedNs = this.#clock.nowNs();
    done!(io!, 'OK', '');
  }

  /** What the guest's dispatcher sends to. */
  #device(): BlockDevice {
    return {
      sizeBytes: MACHINE.virtualDiskBytes,
      blockBytes: 512,
      readOnly: false,
      submit: (io, done) => {
        if (!(io instanceof PendingIo)) throw new Error('the dispatcher of a guest sends its own requests');
        const slot = this.#slots[io.id]!;
        slot.io = io;
        slot.done = done;
        this.#below.submit(slot.application, io.op, io.offset, io.lengthBytes, slot.keep, this, io.id);
      },
      close: () => Promise.resolve(),
    };
  }
}
