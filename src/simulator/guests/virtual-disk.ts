/**
 * What a guest's file system sends its requests to: the virtual disk, behind the guest's own scheduler.
 *
 *   noop   straight on to the hypervisor, in order of arrival (the paper's Noop+, where tags go along)
 *   cfq    the dispatcher of the service once more, inside the guest, with CFQ as its algorithm and the virtual
 *          disk as its device
 */
import type { Op } from '../../core/model/request.js';
import type { Application } from './application.js';
import type { Hypervisor, IoWaiter } from './hypervisor.js';

export interface VirtualDisk {
  /** @param offset on the virtual disk */
  submit(
    application: Application,
    op: Op,
    offset: number,
    lengthBytes: number,
    keep: boolean,
    waiter: IoWaiter,
    token: number,
  ): void;
}

/** Which name a request goes by below the guest. */
export type NameOf = (application: Application, op: Op) => string;

export class NoopDisk implements VirtualDisk {
  readonly #hypervisor: Hypervisor;
  readonly #diskOffset: number;
  readonly #nameOf: NameOf;

  /** @param diskOffset where the virtual disk begins on the physical one */
  constructor(hypervisor: Hypervisor, diskOffset: number, nameOf: NameOf) {
    this.#hypervisor = hypervisor;
    this.#diskOffset = diskOffset;
    this.#nameOf = nameOf;
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
    const name = this.#nameOf(application, op);
    this.#hypervisor.submit(op, this.#diskOffset + offset, lengthBytes, name, keep, application.disk, waiter, token);
  }
}
