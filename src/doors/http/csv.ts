/** Usage as comma-separated values (RFC 4180): a line for each operation of each row. */
import { OP_NAMES } from '../../core/model/request.js';
import type { UsageRow } from '../../core/model/usage.js';

export const CSV_TYPE = 'text/csv';

const COLUMNS = [
  'device',
  'tag',
  'start_ms',
  'end_ms',
  'op',
  'count',
  'errors',
  'bytes',
  'cost',
  'cache_hits',
  'queue_us_sum',
  'service_us_sum',
];

/** Quantiles are over all operations of a row, so each of its lines has the same. No value needs quotes: names have no comma. */
export function usageCsv(rows: readonly UsageRow[], quantiles: readonly number[]): string {
  const named = (what: string): string[] => quantiles.map((quantile) => `${what}_us_q${String(quantile)}`);
  const lines = [[...COLUMNS, ...named('queue'), ...named('service')].join(',')];
  for (const { device, tag, startMs, endMs, ops, queueUs, serviceUs } of rows) {
    for (const op of ops) {
      const sums = [op.count, op.errors, op.bytes, op.cost, op.cacheHits, op.queueUsSum, op.serviceUsSum];
      lines.push([device, tag, startMs, endMs, OP_NAMES[op.op], ...sums, ...queueUs, ...serviceUs].join(','));
    }
  }
  return `${lines.join('\r\n')}\r\n`;
}
