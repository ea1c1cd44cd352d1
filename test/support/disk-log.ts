/** What reaches a shared disk and when, written down by the disk itself: throughput of any hosts over any time. */
import type { DiskWatcher, SharedDisk } from '../../bench/shared-disk.js';
import { NS_PER_MS } from '../../src/core/model/units.js';
import type { DeviceIo } from '../../src/core/model/request.js';

interface Entry {
  readonly who: string;
  readonly offset: number;
  readonly atMs: number;
}

export class DiskLog implements DiskWatcher {
  readonly arrivals: Entry[] = [];
  readonly departures: Entry[] = [];
  readonly #nowMs: () => number;

  constructor(disk: SharedDisk, nowMs: () => number) {
    this.#nowMs = nowMs;
    disk.watcher = this;
    disk.restartCount();
  }

  came(who: string, io: DeviceIo, atNs: number): void {
    this.arrivals.push({ who, offset: io.offset, atMs: atNs / NS_PER_MS });
  }

  left(who: string, io: DeviceIo, atNs: number): void {
    this.departures.push({ who, offset: io.offset, atMs: atNs / NS_PER_MS });
  }

  get nowMs(): number {
    return this.#nowMs();
  }

  /** Requests a second that left the disk in a time, of those hosts. */
  rate(fromMs: number, toMs: number, whose: (who: string) => boolean = () => true): number {
    const count = this.departures.filter(({ who, atMs }) => atMs >= fromMs && atMs < toMs && whose(who)).length;
    return (count * 1_000) / (toMs - fromMs);
  }
}
