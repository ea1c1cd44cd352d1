/** Sizes and times as people write them: `4k`, `64MiB`, `5ms`. */
import { invalid } from '../core/model/errors.js';
import { GIB, KIB, MIB, NS_PER_MS, NS_PER_S, NS_PER_US } from '../core/model/units.js';

const SIZE = /^([0-9]+(?:\.[0-9]+)?)(?:([kmgt])(?:i?b)?|b)?$/i;
const SIZE_UNITS: Record<string, number> = { k: KIB, m: MIB, g: GIB, t: GIB * KIB };
const TIME = /^([0-9]+(?:\.[0-9]+)?)(us|ms|s)$/i;
const TIME_UNITS: Record<string, number> = { us: NS_PER_US, ms: NS_PER_MS, s: NS_PER_S };

/** @throws SluiceError INVALID_ARGUMENT */
export function parseSizeBytes(text: string, field: string): number {
  const match = SIZE.exec(text);
  const bytes = match === null ? NaN : Number(match[1]) * (SIZE_UNITS[(match[2] ?? '').toLowerCase()] ?? 1);
  if (!Number.isSafeInteger(bytes)) throw invalid(field, 'a size in bytes such as 4k, 1m or 64g', text);
  return bytes;
}

/** @throws SluiceError INVALID_ARGUMENT */
export function parseTimeNs(text: string, field: string): number {
  const match = TIME.exec(text);
  if (match === null) throw invalid(field, 'a time such as 100us, 5ms or 2s', text);
  return Math.round(Number(match[1]) * TIME_UNITS[match[2]!.toLowerCase()]!);
}

/** @throws SluiceError INVALID_ARGUMENT */
export function parseInteger(text: string, min: number, max: number, field: string): number {
  const value = /^[0-9]+$/.test(text) ? Number(text) : NaN;
  if (!(value >= min && value <= max)) throw invalid(field, `an integer ${String(min)}..${String(max)}`, text);
  return value;
}

/** @throws SluiceError INVALID_ARGUMENT */
export function parseNumber(text: string, min: number, max: number, field: string): number {
  const value = /^[0-9]+(?:\.[0-9]+)?$/.test(text) ? Number(text) : NaN;
  if (!(value >= min && value <= max)) throw invalid(field, `a number ${String(min)}..${String(max)}`, text);
  return value;
}
