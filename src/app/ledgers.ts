/** The ledgers of this host, one a device that was ever served. */
import type { Clock } from '../core/ports.js';
import { Ledger } from '../core/usage.js';

export class Ledgers {
  readonly byDevice: Map<string, Ledger>;
  private readonly clock: Clock;
  private readonly follow: (device: string, ledger: Ledger) => void;

  /**
   * @param restored what an earlier life of this host has counted
   * @param follow told of each that is made, before anything is counted in it
   */
  constructor(
    clock: Clock,
    restored: ReadonlyMap<string, Ledger> = new Map(),
    follow: (device: string, ledger: Ledger) => void = () => undefined,
  ) {
    this.clock = clock;
    this.byDevice = new Map(restored);
    this.follow = follow;
  }

  of(device: string): Ledger {
    let ledger = this.byDevice.get(device);
    if (ledger === undefined) {
      ledger = new Ledger(this.clock);
      this.byDevice.set(device, ledger);
      this.follow(device, ledger);
    }
    return ledger;
  }
}
