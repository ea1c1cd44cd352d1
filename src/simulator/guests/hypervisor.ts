/**
 * The host's side of the virtual disks: its page cache, then the dispatcher of the service, under whatever
 * name the request still has. Writes go to the disk before they end (QEMU's cache=writethrough, the default
 * of its time): the guest sees no write cache and sends no flushes.
 */
import { OPS } from '../../core/model/request.js';
import type { Op } from '../../core/model/request.js';
import { SluiceError } from '../../core/model/errors.js';
import { PendingIo } from '../../core/pending-io.js';
import type { IoSink } from '../../core/pending-io.js';
import type { Clock, ServedDevice } from '../../core/ports.js';
import { zeros } from '../../devices/sim/zeros.js';
import { MACHINE } from './parameters.js';
import type { PageCache } from './page-cache.js';

/** Told once for each request that it sent, never within the call that sent it where the disk was needed. */
export interface IoWaiter {
  ioDone(token: number): void;
}

/** What reached the disk for one application. */
export class DiskCounts {
  ios = 0;
  bytes = 0;
  hostHits = 0;
}

/** A request that is out. */
interface Slot {
  waiter: IoWaiter;
  token: number;
  /** Whether the host's page cache keeps what it brings. */
  keep: boolean;
}

export class Hypervisor implements IoSink {
  /** Over all guests. */
  readonly totals = new DiskCounts();
  readonly #clock: Clock;
  readonly #served: ServedDevice;
  readonly #cache: PageCache;
  readonly #slots: Slot[] = [];
  readonly #free: number[] = [];

  /** @param cache of the physical disk, with pages no larger than the least that a guest reads */
  constructor(clock: Clock, served: ServedDevice, cache: PageCache) {
    this.#clock = clock;
    this.#served = served;
    this.#cache = cache;
  }

  /**
   * Reads or writes `lengthBytes` at a place of the physical disk.
   * @param keep whether the host's page cache keeps it: not where nobody comes back to it
   */
  submit(
    op: Op,
    offset: number,
    lengthBytes: number,
    tag: string,
    keep: boolean,
    counts: DiskCounts,
    waiter: IoWaiter,
    token: number,
  ): void {
    if (op === OPS.READ && keep && this.#cache.has(offset, lengthBytes)) {
      counts.hostHits++;
      this.#clock.after(MACHINE.hostHitNs, () => waiter.ioDone(token));
      return;
    }
    counts.ios++;
    counts.bytes += lengthBytes;
    this.totals.ios++;
    this.totals.bytes += lengthBytes;
    // The model is asked for times, not for what was written.
    const data = op === OPS.WRITE ? zeros(lengthBytes) : null;
    const slot = this.#take(waiter, token, keep);
    this.#served.submit(new PendingIo(op, offset, lengthBytes, data, false, 0, slot, 0, this), tag);
  }

  /** @throws SluiceError the error of the request: nothing in these runs is meant to fail */
  completed(io: PendingIo): void {
    if (io.code !== 'OK') throw new SluiceError('INTERNAL', `a request of the model failed: ${io.code}: ${io.message}`);
    const slot = this.#slots[io.id]!;
    this.#free.push(io.id);
    if (slot.keep) this.#cache.insert(io.offset, io.lengthBytes);
    slot.waiter.ioDone(slot.token);
  }

  #take(waiter: IoWaiter, token: number, keep: boolean): number {
    const id = this.#free.pop();
    if (id === undefined) return this.#slots.push({ waiter, token, keep }) - 1;
    const slot = this.#slots[id]!;
    slot.waiter = waiter;
    slot.token = token;
    slot.keep = keep;
    return id;
  }
}
