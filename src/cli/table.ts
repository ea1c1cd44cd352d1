/** Tables for people: plain characters, numbers to the right. */
import Table from 'cli-table3';

export type Cell = string | number;

export interface Column {
  readonly head: string;
  readonly align?: 'left' | 'right';
}

/** A table as text, without a newline at the end. */
export function renderTable(columns: readonly Column[], rows: readonly (readonly Cell[])[]): string {
  const table = new Table({
    head: columns.map(({ head }) => head),
    colAligns: columns.map(({ align }) => align ?? 'right'),
    // Colours would stand as escape codes in files and pipes.
    style: { head: [], border: [], compact: true },
    chars: PLAIN,
  });
  for (const row of rows) table.push([...row]);
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

const PLAIN = Object.fromEntries(
  ['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right']
    .concat(['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid'])
    .map((place) => [place, ''])
    .concat([['middle', '  ']]),
) as Record<string, string>;

/** `12.3 MiB`, for people. */
export function shortBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? String(value) : value.toFixed(1)} ${units[unit]!}`;
}

/** Microseconds in the unit that reads best. */
export function shortTime(us: number): string {
  if (us < 1_000) return `${us.toFixed(us < 10 ? 1 : 0)} us`;
  return us < 1_000_000 ? `${(us / 1_000).toFixed(1)} ms` : `${(us / 1_000_000).toFixed(2)} s`;
}

/** A part of 1 as per cent; `-` where there is none. */
export function percent(part: number | null, places = 2): string {
  return part === null ? '-' : `${(part * 100).toFixed(places)} %`;
}
