/** Disks of virtual machines on the host that the client is with, which must be on the same machine. */
import { checkDeviceName } from '../core/model/tag.js';
import { invalid } from '../core/model/errors.js';
import { checkDisk, type DiskView, type PriorityNames } from '../core/model/disk.js';
import type { Disk__Output } from '../wire/gen/sluice/v1/Disk.js';
import { priorityNamesFromWire, priorityNamesToWire } from '../wire/priority-names.js';
import { serviceMethods, type Calls } from './calls.js';

/** A disk to attach. */
export interface DiskInput {
  readonly device: string;
  /** At most 7 segments: the guest's I/O priorities name one more. */
  readonly tag: string;
  /** Absolute path of the Unix socket; left out: one in the service's own folder. */
  readonly socket?: string;
  /** Which last segment a priority gives: `{ 'be:0': 'db', 'be:7': 'backup', idle: 'scrub' }`. */
  readonly map?: PriorityNames;
}

export class DiskClient {
  private readonly calls: Calls;
  private readonly methods = serviceMethods('DiskService');

  /** Made by SluiceClient. */
  constructor(calls: Calls) {
    this.calls = calls;
  }

  /**
   * @throws (rejects) SluiceError NOT_FOUND (the device), ALREADY_EXISTS (the socket), UNSUPPORTED (the host makes no
   * native calls), PERMISSION_DENIED (the service is on another machine)
   */
  async attach(disk: DiskInput): Promise<DiskView> {
    checkDeviceName(disk.device);
    // Only the service knows which socket it is to be where none is named.
    const { device, tag, socket, map } = checkDisk({ map: {}, socket: '/', ...disk });
    const request = {
      device,
      tag,
      socket: disk.socket === undefined ? '' : socket,
      map: priorityNamesToWire(map),
    };
    return fromWire(await this.calls.unary(this.methods.Attach, request));
  }

  /** Ordered by socket. */
  async list(): Promise<DiskView[]> {
    return (await this.calls.unary(this.methods.List, {})).disks.map(fromWire);
  }

  /** A virtual machine that uses it loses it. @throws (rejects) SluiceError NOT_FOUND */
  async detach(socket: string): Promise<void> {
    if (socket === '') throw invalid('socket', 'the path of a disk’s socket', socket);
    await this.calls.unary(this.methods.Detach, { socket });
  }
}

function fromWire(disk: Disk__Output): DiskView {
  return { ...disk, map: priorityNamesFromWire(disk.map) };
}
