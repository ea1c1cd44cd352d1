/** Usage as comma-separated values (RFC 4180): a line for each operation of each row. */
import { OP_NAMES } from '../model/request.js';
import type { UsageRow } from '../model/usage.js';

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

export function csvHeader(quantiles: readonly number[]): string {
  const named = (what: string): string[] => quantiles.map((quantile) => `${what}_us_q${String(quantile)}`);
  return `${[...COLUMNS, ...named('queue'), ...named('service')].join(',')}\r\n`;
}

/** Quantiles are over all operations of a row, so each of its lines has the same. No value needs quotes: names have no comma. */
export function csvLines(rows: readonly UsageRow[]): string {
  let lines = '';
  for (const { device, tag, startMs, endMs, ops, queueUs, serviceUs } of rows) {
    for (const op of ops) {
      const sums = [op.count, op.errors, op.bytes, op.cost, op.cacheHits, op.queueUsSum, op.serviceUsSum];
      lines += `${[device, tag, startMs, endMs, OP_NAMES[op.op], ...sums, ...queueUs, ...serviceUs].join(',')}\r\n`;
    }
  }
  return lines;
}
