/** Numbers as people read them. */

const PREFIXES = ['', 'k', 'M', 'G', 'T', 'P'];

function scaled(value: number, base: number): string {
  let power = 0;
  let v = value;
  while (Math.abs(v) >= base && power < PREFIXES.length - 1) {
    v /= base;
    power += 1;
  }
  const digits = v !== 0 && Math.abs(v) < 10 ? 1 : 0;
  const text = v.toFixed(digits);
  return `${text.endsWith('.0') ? text.slice(0, -2) : text}${power === 0 ? '' : `\u202f${PREFIXES[power]!}`}`;
}

export function count(value: number): string {
  return Number.isFinite(value) ? scaled(value, 1000) : '–';
}

/** With binary prefixes: 1 Ki = 1,024. */
export function bytes(value: number): string {
  if (!Number.isFinite(value)) return '–';
  const text = scaled(value, 1024);
  return /[kMGTP]$/.test(text) ? `${text.replace('k', 'K')}iB` : `${text}\u202fB`;
}

export function percent(part: number): string {
  return Number.isFinite(part) ? `${(part * 100).toFixed(part < 0.0995 ? 1 : 0)}\u202f%` : '–';
}

export function time(us: number): string {
  if (!Number.isFinite(us)) return '–';
  if (us < 1_000) return `${us.toFixed(0)}\u202fµs`;
  if (us < 10_000) return `${(us / 1_000).toFixed(1)}\u202fms`;
  if (us < 1_000_000) return `${(us / 1_000).toFixed(0)}\u202fms`;
  return `${(us / 1_000_000).toFixed(1)}\u202fs`;
}

export const METRIC_UNITS = {
  ops: { title: 'Operations', unit: 'op/s', show: count },
  bytes: { title: 'Throughput', unit: 'B/s', show: bytes },
  cost: { title: 'Cost', unit: 'units/s', show: count },
} as const;
