/** A vhost door in this process, over the service's own parts or a device under a test's hand, with front ends for it. */
import { mkdtempSync, rmSync } from 'node:fs';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { STATUS_UNTOUCHED, type DataSegment } from '../../../bench/vhost/driver-queue.js';
import { FrontEnd, type FrontEndOptions } from '../../../bench/vhost/front-end.js';
import { assemble, type Assembled } from '../../../src/app/assemble.js';
import { loadConfig } from '../../../src/app/config.js';
import { RealClock } from '../../../src/clock/real.js';
import type { PriorityNames } from '../../../src/core/model/disk.js';
import type { Logger, ServedDevices } from '../../../src/core/ports.js';
import { makeDeviceFactory } from '../../../src/devices/factory.js';
import { VhostDoor } from '../../../src/doors/vhost/door.js';
import { loadNative } from '../../../src/doors/vhost/native.js';
import type { NativeSystem } from '../../../src/doors/vhost/system.js';
import { BLK_TYPES, encodePriority } from '../../../src/wire/vhost/blk.js';
import { FakeDevice, FakeDevices } from '../grpc/fake-device.js';

/** The class and level that requests of tests have unless they say otherwise. */
export const DEFAULT_PRIORITY = encodePriority('be', 4);

export class VhostRig implements AsyncDisposable {
  readonly system: NativeSystem;
  readonly socket: string;
  readonly warnings: string[] = [];
  door: VhostDoor;
  readonly #folder: string;
  readonly #devices: ServedDevices;
  readonly #clock = new RealClock();
  readonly #frontEnds: FrontEnd[] = [];
  readonly #ends: (() => Promise<unknown>)[] = [];

  private constructor(system: NativeSystem, devices: ServedDevices) {
    this.system = system;
    this.#devices = devices;
    this.#folder = mkdtempSync(join(tmpdir(), 'sluice-vhost-'));
    this.socket = join(this.#folder, 'disk.sock');
    this.door = this.#makeDoor();
  }

  static async overFake(map: PriorityNames = {}): Promise<VhostRig & { device: FakeDevice }> {
    const device = new FakeDevice('disk0');
    const rig = new VhostRig(await loadNative(), new FakeDevices(device));
    await rig.attach(map);
    return Object.assign(rig, { device });
  }

  /** @param flags configuration by key path, with a device disk0 */
  static async overService(flags: Record<string, unknown>): Promise<VhostRig & { assembled: Assembled }> {
    const { devices, policies } = loadConfig({ file: undefined, environment: {}, flags });
    const clock = new RealClock();
    const logger: Logger = { info: () => undefined, warn: () => undefined, error: () => undefined };
    const assembled = await assemble({ clock, logger, factory: makeDeviceFactory({}, clock), devices, policies });
    const rig = new VhostRig(await loadNative(), assembled.host);
    rig.#ends.push(() => assembled.close());
    await rig.attach({});
    return Object.assign(rig, { assembled });
  }

  async attach(map: PriorityNames): Promise<void> {
    await this.door.attach({ socket: this.socket, device: 'disk0', tag: 'acme', map });
  }

  /** The service ends, within `graceMs`, and another comes. */
  async restart(graceMs: number | 'killed'): Promise<void> {
    if (graceMs === 'killed') await this.door.close();
    else await this.door.drain(graceMs);
    this.door = this.#makeDoor();
    await this.attach({});
  }

  frontEnd(options: Partial<FrontEndOptions> = {}): FrontEnd {
    const frontEnd = new FrontEnd(this.system, options);
    this.#frontEnds.push(frontEnd);
    return frontEnd;
  }

  /** A front end whose rings run. */
  async started(options: Partial<FrontEndOptions> = {}): Promise<FrontEnd> {
    const frontEnd = this.frontEnd(options);
    frontEnd.connect(this.socket);
    await frontEnd.start();
    return frontEnd;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const frontEnd of this.#frontEnds) frontEnd.hangUp();
    await this.door.close();
    for (const end of this.#ends) await end();
    for (const frontEnd of this.#frontEnds) frontEnd.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #makeDoor(): VhostDoor {
    const warn: Logger['warn'] = (fields) => this.warnings.push(String(fields['error']));
    const logger: Logger = { info: () => undefined, warn, error: warn };
    return new VhostDoor({ devices: this.#devices, clock: this.#clock, logger, maxIoBytes: 64 * 1_024 });
  }
}

export interface Asked {
  readonly type?: number;
  readonly sector?: number;
  readonly ioprio?: number;
  readonly queue?: number;
  readonly slot?: number;
  /** Written by the driver, read by the device. */
  readonly send?: Uint8Array;
  /** To be written by the device: so many bytes. */
  readonly receive?: number;
  /** The same in pieces; sends or receives all of them. */
  readonly pieces?: readonly DataSegment[];
}

export interface Answered {
  readonly status: number;
  readonly bytes: number;
  readonly data: Buffer;
}

/** Sends one request and waits for its answer. */
export async function perform(frontEnd: FrontEnd, asked: Asked): Promise<Answered> {
  post(frontEnd, asked);
  const { queue = 0, slot = 0 } = asked;
  let bytes = -1;
  await until(() => frontEnd.queues[queue]!.reap((_, got) => (bytes = got)) > 0);
  return { status: frontEnd.queues[queue]!.status(slot), bytes, data: dataOf(frontEnd, asked) };
}

/** Puts one request into its ring. */
export function post(frontEnd: FrontEnd, asked: Asked): void {
  const { type = BLK_TYPES.IN, sector = 0, ioprio = DEFAULT_PRIORITY, queue: index = 0, slot = 0 } = asked;
  const queue = frontEnd.queues[index]!;
  if (asked.send !== undefined) {
    let from = 0;
    for (const { at, bytes } of piecesOf(asked)) {
      frontEnd.memory.set(asked.send.subarray(from, from + bytes), queue.dataAt(slot) + at);
      from += bytes;
    }
  }
  queue.describe(slot, { type, ioprio, sector, reads: asked.send === undefined, data: piecesOf(asked) });
  queue.push(slot);
  if (queue.show()) frontEnd.kick(index);
}

/** What lies in the memory of a slot, in order. */
export function dataOf(frontEnd: FrontEnd, asked: Asked): Buffer {
  const from = frontEnd.queues[asked.queue ?? 0]!.dataAt(asked.slot ?? 0);
  return Buffer.concat(
    piecesOf(asked).map(({ at, bytes }) => Buffer.from(frontEnd.memory.subarray(from + at, from + at + bytes))),
  );
}

function piecesOf(asked: Asked): readonly DataSegment[] {
  if (asked.pieces !== undefined) return asked.pieces;
  const bytes = asked.send?.length ?? asked.receive ?? 0;
  return bytes === 0 ? [] : [{ at: 0, bytes }];
}

export function unanswered(frontEnd: FrontEnd, slot: number): boolean {
  return frontEnd.queues[0]!.status(slot) === STATUS_UNTOUCHED;
}

/** How often a counter has been signalled since it was last looked at. */
export function count(counter: number): number {
  const bytes = Buffer.alloc(8);
  try {
    fs.readSync(counter, bytes);
  } catch {
    return 0;
  }
  return Number(bytes.readBigUInt64LE(0));
}

/** Resolves when the condition holds; each look comes after a turn of the event loop. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}
