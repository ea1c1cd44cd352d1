/** The one disk behind all hosts: it knows who has what outstanding, and whose hold on a slot is excused. */
import type { VirtualClock } from '../../clock/virtual.js';
import type { DeviceDone, DeviceIo } from '../../core/model/request.js';
import { MIB, NS_PER_US } from '../../core/model/units.js';
import type { BlockDevice, Rng } from '../../core/ports.js';
import type { HostWorld } from './host-world.js';

/** A request at the disk. `excused`: it does not count against the depth, for a stated reason. */
export interface AtDisk {
  readonly host: number;
  excused: boolean;
}

export interface DiskWatch {
  /** Called as a request reaches the disk; says whether it was sent by a right that does not count. */
  reached(host: number): boolean;
  /** It has ended; `cost` of the request, '' where its host is dead. */
  ended(host: number, io: DeviceIo): void;
}

export class SharedDisk {
  readonly at = new Set<AtDisk>();
  /** By host: requests at the disk. */
  readonly counts: number[] = [];
  readonly #world: VirtualClock;
  readonly #rng: Rng;
  readonly #serviceUs: number;
  readonly #watch: DiskWatch;

  /** @param serviceUs mean; each request takes half to one and a half of it */
  constructor(world: VirtualClock, rng: Rng, serviceUs: number, watch: DiskWatch) {
    this.#world = world;
    this.#rng = rng.fork('disk');
    this.#serviceUs = serviceUs;
    this.#watch = watch;
  }

  /** Requests that count against the depth. */
  get counted(): number {
    let count = 0;
    for (const each of this.at) if (!each.excused) count += 1;
    return count;
  }

  /** What the host has outstanding does not count from now on. */
  excuse(host: number): void {
    for (const each of this.at) if (each.host === host) each.excused = true;
  }

  /** The way of one host to the disk. */
  door(host: number, process: HostWorld): BlockDevice {
    this.counts[host] = 0;
    return {
      sizeBytes: 1_024 * MIB,
      blockBytes: 512,
      readOnly: false,
      submit: (io, done) => {
        this.#submit(host, process, io, done);
      },
      close: () => Promise.resolve(),
    };
  }

  #submit(host: number, process: HostWorld, io: DeviceIo, done: DeviceDone): void {
    const entry: AtDisk = { host, excused: false };
    this.at.add(entry);
    this.counts[host]! += 1;
    entry.excused = this.#watch.reached(host);
    const ns = this.#serviceUs * (0.5 + this.#rng.next()) * NS_PER_US;
    this.#world.after(ns, () => {
      this.at.delete(entry);
      this.counts[host]! -= 1;
      this.#watch.ended(host, io);
      process.run(() => {
        io.finishedNs = process.nowNs();
        done(io, 'OK', '');
      });
    });
  }
}
