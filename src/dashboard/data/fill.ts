/** The live minutes that the page did not see: before it was opened, or while it had no connection. */
import { QUANTILES, usage, type UsageRow } from './api.js';
import { History, WINDOW_S } from './history.js';

/** Most rows asked for. */
const ROWS_MAX = 10_000;

/** As far back as a bounded answer reaches; what `live` has seen meanwhile stands on top of it. */
export async function filled(device: string, live: History): Promise<History> {
  const toMs = Math.floor(Date.now() / 1000) * 1000;
  const known = await usage({ device, fromMs: toMs - 10_000, toMs, stepMs: 0 });
  const seconds = Math.min(WINDOW_S - 1, Math.max(10, Math.floor(ROWS_MAX / Math.max(1, known.length))));
  const rows = await usage({ device, fromMs: toMs - seconds * 1000, toMs, stepMs: 1000, quantiles: QUANTILES });
  const bySecond = new Map<number, UsageRow[]>();
  for (let ms = toMs - (seconds - 1) * 1000; ms <= toMs; ms += 1000) bySecond.set(ms, []);
  for (const row of rows) bySecond.get(Number(row.endMs))?.push(row);
  const whole = new History();
  for (const [endMs, list] of bySecond) whole.add(list, endMs);
  append(whole, live, device);
  return whole;
}

function append(past: History, live: History, device: string): void {
  for (let s = past.lastS + 1; s <= live.lastS; s++) {
    const slot = s % WINDOW_S;
    const rows: UsageRow[] = [];
    for (const [tag, rings] of live.tags) {
      if (rings.ops[slot] === 0) continue;
      rows.push({
        device,
        tag,
        startMs: String((s - 1) * 1000),
        endMs: String(s * 1000),
        ops: [
          {
            op: '',
            count: String(rings.ops[slot]),
            errors: String(rings.errors[slot]),
            bytes: String(rings.bytes[slot]),
            cost: rings.cost[slot]!,
            cacheHits: String(rings.cacheHits[slot]),
          },
        ],
        queueUs: [rings.queueUsP50[slot]!, rings.queueUsP99[slot]!],
        serviceUs: [rings.serviceUsP50[slot]!, rings.serviceUsP99[slot]!],
      });
    }
    past.add(rows, s * 1000);
  }
}
