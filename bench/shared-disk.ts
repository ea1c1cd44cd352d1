/**
 * Disks that several hosts bind at the same time: simulated in this process, served over NBD as
 * `DISK@WHO`, where WHO says which host a connection is. Nothing is queued here: what hosts send is at
 * the disk at once, so that what stands here is what all hosts together have at the device, in one place.
 */
import { RealClock } from '../src/clock/real.js';
import { DEFAULT_SETTINGS, DEFAULT_SIMULATION, type DeviceRecord } from '../src/core/model/device.js';
import { HddModel } from '../src/core/media/hdd.js';
import type { MediaModel } from '../src/core/media/media-model.js';
import { EventHeap } from '../src/core/media/event-heap.js';
import { SeededRng } from '../src/core/rng.js';
import type { DeviceDone, DeviceIo, Op } from '../src/core/model/request.js';
import { NS_PER_MS } from '../src/core/model/units.js';
import type { PendingIo } from '../src/core/pending-io.js';
import type { BlockDevice, Clock, Logger, ServedDevice, ServedDevices } from '../src/core/ports.js';
import { SimDevice } from '../src/devices/sim/sim-device.js';
import { NbdDoor } from '../src/doors/nbd/door.js';

const SILENT: Logger = { info: () => undefined, warn: () => undefined, error: () => undefined };
const QUEUED_BYTES_MAX = 2 ** 30;

/** A disk that serves any number of requests at a time, each in the same time: what it serves a second says how many it had. */
export class EqualUnits implements MediaModel {
  readonly #serviceNs: number;
  readonly #ends = new EventHeap();

  constructor(serviceMs: number) {
    this.#serviceNs = serviceMs * NS_PER_MS;
  }

  get nextNs(): number {
    return this.#ends.nextNs;
  }

  submit(slot: number, _op: Op, _offset: number, _lengthBytes: number, _fua: boolean, atNs: number): void {
    this.#ends.push(atNs + this.#serviceNs, slot);
  }

  advance(): number {
    return this.#ends.pop();
  }
}

export function hardDisk(sizeBytes: number): MediaModel {
  return new HddModel(sizeBytes, new SeededRng(DEFAULT_SIMULATION.seed).fork('platters'));
}

/** Told of each request as it reaches the disk, and as it leaves it. */
export interface DiskWatcher {
  came?(who: string, io: DeviceIo, atNs: number): void;
  left?(who: string, io: DeviceIo, atNs: number): void;
}

export class SharedDisk implements ServedDevice {
  readonly name: string;
  readonly record: DeviceRecord;
  readonly state = 'ready';
  readonly stateMessage = '';
  readonly readOnly = false;
  readonly queued = 0;
  /** Requests at the disk now, and the most that there were at a time since the count was restarted. */
  outstanding = 0;
  most = 0;
  #integral = 0;
  #countedNs = 0;
  #restartedNs = 0;
  watcher: DiskWatcher = {};
  readonly #device: BlockDevice;
  readonly #clock: Clock;

  constructor(name: string, sizeBytes: number, medium: MediaModel, clock: Clock) {
    this.name = name;
    this.#clock = clock;
    this.#device = new SimDevice(clock, medium, { ...DEFAULT_SIMULATION, sizeBytes });
    const settings = { ...DEFAULT_SETTINGS, maxQueuedBytes: QUEUED_BYTES_MAX };
    this.record = { name, target: { binding: name }, settings, draining: false, etag: '', revision: 1 };
  }

  get sizeBytes(): number {
    return this.#device.sizeBytes;
  }

  get blockBytes(): number {
    return this.#device.blockBytes;
  }

  refusal(): null {
    return null;
  }

  cancel(): boolean {
    return false;
  }

  submit(io: PendingIo, who: string): void {
    io.state = 'outstanding';
    io.submittedNs = this.#clock.nowNs();
    this.#count(1);
    this.watcher.came?.(who, io, io.submittedNs);
    const done: DeviceDone = (_, code, message) => {
      this.#count(-1);
      this.watcher.left?.(who, io, io.finishedNs);
      io.state = 'completed';
      io.code = code;
      io.message = message;
      io.sink.completed(io);
    };
    this.#device.submit(io, done);
  }

  close(): Promise<void> {
    return this.#device.close();
  }

  restartCount(): void {
    this.most = this.outstanding;
    this.#integral = 0;
    this.#restartedNs = this.#countedNs = this.#clock.nowNs();
  }

  /** How many there were on average since then. */
  get mean(): number {
    this.#count(0);
    return this.#integral / (this.#countedNs - this.#restartedNs);
  }

  #count(by: number): void {
    const nowNs = this.#clock.nowNs();
    this.#integral += this.outstanding * (nowNs - this.#countedNs);
    this.#countedNs = nowNs;
    this.outstanding += by;
    this.most = Math.max(this.most, this.outstanding);
  }
}

export class SharedDisks implements ServedDevices, AsyncDisposable {
  readonly clock = new RealClock();
  readonly #disks = new Map<string, SharedDisk>();
  readonly #door: NbdDoor;
  #port = 0;

  private constructor() {
    this.#door = new NbdDoor({
      devices: this,
      policies: { list: () => Promise.resolve({ policies: [] }) },
      clock: this.clock,
      logger: SILENT,
      maxIoBytes: 1_048_576,
      bytesMax: QUEUED_BYTES_MAX,
      tls: null,
    });
  }

  static async start(): Promise<SharedDisks> {
    const disks = new SharedDisks();
    disks.#port = await disks.#door.listen({ host: '127.0.0.1', port: 0 });
    return disks;
  }

  add(name: string, sizeBytes: number, medium: MediaModel): SharedDisk {
    const disk = new SharedDisk(name, sizeBytes, medium, this.clock);
    this.#disks.set(name, disk);
    return disk;
  }

  /** Bindings of all disks, for the configuration of the host that calls itself so: a line of YAML. */
  bindings(who: string): string {
    const each = [...this.#disks.keys()].map(
      (name) => `${name}: { type: nbd, uri: 'nbd://127.0.0.1:${String(this.#port)}/${name}@${who}' }`,
    );
    return `bindings: { ${each.join(', ')} }\n`;
  }

  get(name: string): SharedDisk | undefined {
    return this.#disks.get(name);
  }

  list(): readonly SharedDisk[] {
    return [...this.#disks.values()];
  }

  settled(): Promise<void> {
    return Promise.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#door.close();
    await Promise.all(this.list().map((disk) => disk.close()));
  }
}
