/** The use cases of virtual machines' disks, which stand on this host alone. */
import { checkDisk, type DiskSpec, type DiskView } from '../core/model/disk.js';
import { SluiceError, invalid } from '../core/model/errors.js';
import type { ServedDevices } from '../core/ports.js';

/** Whoever serves disks. */
export interface DiskMaker {
  /** @throws SluiceError UNSUPPORTED, ALREADY_EXISTS, INVALID_ARGUMENT */
  attach(spec: DiskSpec): Promise<DiskView>;
  /** @throws SluiceError NOT_FOUND */
  detach(socket: string): Promise<void>;
  list(): DiskView[];
}

export class Disks {
  readonly #maker: DiskMaker;
  readonly #devices: ServedDevices;
  /** Where sockets lie that nobody named, without a slash at its end. */
  readonly #folder: string;

  constructor(maker: DiskMaker, devices: ServedDevices, folder: string) {
    this.#maker = maker;
    this.#devices = devices;
    this.#folder = folder;
  }

  /**
   * @param spec with '' as its socket: one in this host's folder
   * @throws SluiceError INVALID_ARGUMENT, NOT_FOUND (the device), ALREADY_EXISTS, UNSUPPORTED (no native calls here)
   */
  async attach(spec: DiskSpec): Promise<DiskView> {
    const { device, tag } = spec;
    const named =
      spec.socket !== '' ? spec.socket : `${this.#folder}/sluice-${device}-${tag.replaceAll('/', '-')}.sock`;
    const checked = checkDisk({ ...spec, socket: named });
    const served = this.#devices.get(device);
    if (served === undefined) throw new SluiceError('NOT_FOUND', `there is no device ${device}`);
    const refusal = served.refusal(tag);
    if (refusal !== null) throw new SluiceError(refusal.code, refusal.message);
    return this.#maker.attach(checked);
  }

  /** By socket. */
  list(): DiskView[] {
    return this.#maker.list();
  }

  /** @throws SluiceError NOT_FOUND */
  async detach(socket: string): Promise<void> {
    if (socket === '') throw invalid('socket', 'the path of a disk’s socket', socket);
    await this.#maker.detach(socket);
  }
}
