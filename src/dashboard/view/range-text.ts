/** Ranges and their time axes as people read them. */
import { RANGES, type Range } from '../data/range.js';

const TITLES: Readonly<Record<Range, { readonly short: string; readonly long: string }>> = {
  '5m': { short: '5 min', long: 'the last minutes' },
  '1h': { short: '1 h', long: 'the last hour' },
  '24h': { short: '24 h', long: 'the last 24 hours' },
  '7d': { short: '7 d', long: 'the last 7 days' },
};

export function rangeShort(range: Range): string {
  return TITLES[range].short;
}

export function rangeLong(range: Range): string {
  return TITLES[range].long;
}

export function nextRange(range: Range): Range {
  return RANGES[(RANGES.indexOf(range) + 1) % RANGES.length]!;
}

const SECONDS = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});
const MINUTES = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const DAY = new Intl.DateTimeFormat(undefined, { weekday: 'short', day: 'numeric' });

/** A tick of the time axis: the time of day, and where a day begins which one. @param timeS seconds since 1970 */
export function tickText(range: Range, timeS: number): string {
  const time = new Date(timeS * 1000);
  if (range === '5m') return SECONDS.format(time);
  const midnight = time.getHours() === 0 && time.getMinutes() === 0;
  return midnight && range !== '1h' ? DAY.format(time) : MINUTES.format(time);
}
