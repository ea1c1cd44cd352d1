/** A folder for `data_dir` in which a service finds a past of its own: served under a clock of its own, up to now. */
import { DataFolder } from '../../src/coordination/local/data-folder.js';
import { NS_PER_MS } from '../../src/core/model/units.js';
import type { Logger } from '../../src/core/ports.js';
import { Ledger } from '../../src/core/usage.js';
import { StillClock } from './still-clock.js';

const SILENT: Logger = { info: () => undefined, warn: () => undefined, error: () => undefined };
const MINUTE_MS = 60_000;

export interface ServedMinute {
  readonly tag: string;
  readonly operations: number;
  readonly queueMs: number;
  readonly serviceMs: number;
}

/**
 * @param minutes how many before the one that is open now
 * @param served what each minute has, by its distance from now in minutes; reads of 4 KiB, 1 unit of cost each
 * @returns the begin of the minute that is open
 */
export async function servePast(
  path: string,
  device: string,
  minutes: number,
  served: (ago: number) => readonly ServedMinute[],
): Promise<number> {
  const nowMs = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS;
  const clock = new StillClock(nowMs - minutes * MINUTE_MS);
  const folder = await DataFolder.open(path, clock, SILENT, () => new Ledger(clock));
  const ledger = new Ledger(clock);
  folder.usage.follow(device, ledger);
  for (let ago = minutes; ago > 0; ago--) {
    for (const { tag, operations, queueMs, serviceMs } of served(ago)) {
      const account = ledger.account(tag);
      for (let i = 0; i < operations; i++) {
        account.record(1, 4_096, 1, false, false, queueMs * NS_PER_MS, serviceMs * NS_PER_MS, clock.nowNs());
      }
    }
    clock.advance(MINUTE_MS);
    if (ago % 60 === 0) await folder.usage.flush();
  }
  await folder.close();
  return nowMs;
}
