/**
 * One disk of a virtual machine: its socket, and whoever uses it, one at a time. The next is let in
 * when nothing of the one before is at the device any more: what QEMU sends again after it has lost us
 * must not meet its own first try.
 */
import { createHash } from 'node:crypto';
import { lstatSync, unlinkSync } from 'node:fs';
import type { DiskSpec, DiskView } from '../../core/model/disk.js';
import { SluiceError, invalid } from '../../core/model/errors.js';
import type { Clock, Logger, ServedDevice, ServedDevices } from '../../core/ports.js';
import { BLK_ID_BYTES } from '../../wire/vhost/blk.js';
import type { Poller } from './poller.js';
import { PriorityMap } from './priority-map.js';
import type { Reactor } from './reactor.js';
import { Session } from './session.js';
import type { NativeSystem } from './system.js';

export interface DiskParts {
  readonly system: NativeSystem;
  readonly reactor: Reactor;
  readonly poller: Poller;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly devices: ServedDevices;
  readonly maxIoBytes: number;
}

export class Disk {
  readonly spec: DiskSpec;
  readonly #parts: DiskParts;
  readonly #priorities: PriorityMap;
  readonly #listener: number;
  readonly #unwatch: () => void;
  #session: Session | null = null;
  #complaint = '';
  #listening = true;
  #gone: (() => void) | null = null;

  /** Listens. @throws SluiceError ALREADY_EXISTS, INVALID_ARGUMENT naming the socket */
  constructor(spec: DiskSpec, parts: DiskParts) {
    this.spec = spec;
    this.#parts = parts;
    this.#priorities = new PriorityMap(spec.tag, spec.map);
    makeRoom(parts.system, spec.socket);
    this.#listener = parts.system.listen(spec.socket);
    this.#unwatch = parts.reactor.watch(this.#listener, 'edge', () => this.#accept());
  }

  get view(): DiskView {
    return {
      ...this.spec,
      connected: this.#session !== null,
      inFlight: this.#session?.inFlight ?? 0,
      complaint: this.#complaint,
    };
  }

  /** Lets nobody in any more, and has what was taken answered. Resolves when it is. */
  drain(): Promise<void> {
    this.#stopListening();
    return new Promise((resolve) => {
      if (this.#session === null) resolve();
      else this.#session.drain(resolve);
    });
  }

  /** Hangs up. Resolves when nothing of it is at the device. */
  close(): Promise<void> {
    this.#stopListening();
    return new Promise((resolve) => {
      if (this.#session === null) {
        resolve();
        return;
      }
      this.#gone = resolve;
      this.#session.close();
    });
  }

  #stopListening(): void {
    if (!this.#listening) return;
    this.#listening = false;
    this.#unwatch();
    this.#parts.system.close(this.#listener);
    try {
      unlinkSync(this.spec.socket);
    } catch {
      // Somebody has removed it: that is what is wanted.
    }
  }

  #accept(): void {
    while (this.#listening && this.#session === null) {
      const client = this.#parts.system.accept(this.#listener);
      if (client === null) return;
      const device = this.#device();
      if (device === null) this.#parts.system.close(client);
      else this.#begin(client, device);
    }
  }

  #begin(client: number, device: ServedDevice): void {
    const { system, reactor, poller, clock, logger, maxIoBytes } = this.#parts;
    const { blockBytes } = device;
    const most = Math.min(maxIoBytes, device.record.settings.maxQueuedBytes);
    logger.info({ disk: this.spec.socket, device: device.name, tag: this.spec.tag }, 'a virtual machine uses a disk');
    this.#session = new Session(client, {
      system,
      reactor,
      poller,
      clock,
      device,
      priorities: this.#priorities,
      serial: serialOf(this.spec),
      pieceBytes: Math.max(blockBytes, most - (most % blockBytes)),
      complained: (why) => this.#complain(why),
      over: () => this.#over(),
    });
  }

  #over(): void {
    this.#session = null;
    this.#parts.logger.info({ disk: this.spec.socket }, 'a virtual machine has left its disk');
    this.#gone?.();
    // Somebody may have been waiting since; the listener tells of newcomers only.
    setImmediate(() => this.#accept());
  }

  /** The device, where it can be used now. */
  #device(): ServedDevice | null {
    const { device, tag } = this.spec;
    const served = this.#parts.devices.get(device);
    const refusal = served === undefined ? `there is no device ${device}` : (served.refusal(tag)?.message ?? '');
    if (refusal === '') return served!;
    // It tries again every second; that is said once.
    if (this.#complaint !== refusal) this.#complain(refusal);
    return null;
  }

  #complain(why: string): void {
    this.#complaint = why;
    this.#parts.logger.warn({ disk: this.spec.socket, error: why }, 'a disk is not served as it should be');
  }
}

/** A socket that nobody listens at is left over from a service that was killed. */
function makeRoom(system: NativeSystem, path: string): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) throw invalid('socket', 'a path where there is nothing or a socket', path);
  if (system.isServed(path)) throw new SluiceError('ALREADY_EXISTS', `somebody listens at ${path} already`);
  unlinkSync(path);
}

/** What the guest finds as the disk's serial number: the device, and what tells it from others of it. */
function serialOf({ device, tag }: DiskSpec): Buffer {
  const mark = createHash('sha256').update(`${device}@${tag}`).digest('hex').slice(0, 8);
  const serial = Buffer.alloc(BLK_ID_BYTES);
  serial.write(`${device.slice(0, BLK_ID_BYTES - mark.length - 1)}-${mark}`);
  return serial;
}
