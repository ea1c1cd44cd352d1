/**
 * The vhost-user-blk door: disks of virtual machines whose request rings lie in shared memory, each
 * request with the I/O priority of the process in the guest that sent it. Sources: virtio 1.2, section
 * 5.2, and QEMU's docs/interop/vhost-user.rst.
 *
 * Native calls are needed, and so an optional package: without it the door says so, and no more.
 */
import type { DiskSpec, DiskView } from '../../core/model/disk.js';
import { SluiceError } from '../../core/model/errors.js';
import { NS_PER_MS, NS_PER_US } from '../../core/model/units.js';
import type { Clock, Logger, ServedDevices } from '../../core/ports.js';
import { Disk } from './disk.js';
import { loadNative } from './native.js';
import { Poller } from './poller.js';
import { Reactor } from './reactor.js';
import type { NativeSystem } from './system.js';

/** Most disks of one host. */
const DISKS_MAX = 256;
/** How long a ring is looked at after something last came or went. */
const POLL_NS = 20 * NS_PER_US;
/** How long the device may take to give back what it holds once the grace time has passed. */
const CLOSE_MS = 500;

export interface VhostDoorParts {
  readonly devices: ServedDevices;
  readonly clock: Clock;
  readonly logger: Logger;
  /** A longer READ or WRITE is scheduled in pieces of this. */
  readonly maxIoBytes: number;
  /** Instead of what was measured to serve best. */
  readonly pollNs?: number;
}

interface Running {
  readonly system: NativeSystem;
  readonly reactor: Reactor;
  readonly poller: Poller;
}

export class VhostDoor {
  readonly #parts: VhostDoorParts;
  readonly #disks = new Map<string, Disk>();
  #starting: Promise<Running> | null = null;
  #closed = false;

  constructor(parts: VhostDoorParts) {
    this.#parts = parts;
  }

  /**
   * A disk from now on.
   * @param spec as checkDisk has found it good
   * @throws SluiceError UNSUPPORTED (no native calls here), ALREADY_EXISTS, INVALID_ARGUMENT (the socket cannot be had)
   */
  async attach(spec: DiskSpec): Promise<DiskView> {
    const running = await (this.#starting ??= this.#start());
    if (this.#closed) throw new SluiceError('DRAINING', 'this host takes no more disks');
    if (this.#disks.has(spec.socket)) throw new SluiceError('ALREADY_EXISTS', `there is a disk at ${spec.socket}`);
    if (this.#disks.size >= DISKS_MAX) {
      throw new SluiceError('QUEUE_FULL', `a host has at most ${String(DISKS_MAX)} disks`);
    }
    const disk = new Disk(spec, { ...this.#parts, ...running });
    this.#disks.set(spec.socket, disk);
    return disk.view;
  }

  /** Ends a disk; a virtual machine that uses it loses it. @throws SluiceError NOT_FOUND */
  async detach(socket: string): Promise<void> {
    const disk = this.#disks.get(socket);
    if (disk === undefined) throw new SluiceError('NOT_FOUND', `there is no disk at ${socket}`);
    this.#disks.delete(socket);
    await disk.close();
  }

  /** By socket. */
  list(): DiskView[] {
    return [...this.#disks.values()].map((disk) => disk.view).sort((a, b) => (a.socket < b.socket ? -1 : 1));
  }

  /** Takes no more requests, answers those that were taken, closes. What is not answered by then waits for the next service. */
  async drain(graceMs: number): Promise<void> {
    this.#closed = true;
    await this.#within(
      graceMs,
      [...this.#disks.values()].map((disk) => disk.drain()),
    );
    await this.close();
  }

  /** Ends everything now: what is queued is taken back, what is at a device is not answered. */
  async close(): Promise<void> {
    this.#closed = true;
    const closing = [...this.#disks.values()].map((disk) => disk.close());
    this.#disks.clear();
    await this.#within(CLOSE_MS, closing);
    const running = await this.#starting?.catch(() => null);
    running?.reactor.close();
    this.#starting = null;
  }

  async #start(): Promise<Running> {
    const system = await loadNative();
    const { clock, pollNs = POLL_NS } = this.#parts;
    return { system, reactor: new Reactor(system), poller: new Poller(clock, pollNs) };
  }

  async #within(ms: number, work: readonly Promise<void>[]): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = this.#parts.clock.after(ms * NS_PER_MS, resolve);
      void Promise.all(work).then(() => {
        timer.cancel();
        resolve();
      });
    });
  }
}
