/** What a trace format is: something that turns bytes into records. */
import { invalid } from '../../core/model/errors.js';
import type { DeviceNames, LineVerdict, RecordSlot } from './record.js';

export const TRACE_FORMATS = ['blkreplay', 'disksim', 'msr', 'tencent', 'alibaba', 'fio', 'vscsi'] as const;
export type TraceFormat = (typeof TRACE_FORMATS)[number];

export interface RecordParser {
  /** Why the last line or record was broken. */
  readonly reason: string;
  /** Bytes of a record where all are equally long; 0 for lines. */
  readonly recordBytes: number;
  /** Reads bytes [start, end): one line without its end, or one record. Fills the slot on `record`. */
  parse(bytes: Uint8Array, start: number, end: number, slot: RecordSlot, devices: DeviceNames): LineVerdict;
}

/** @throws SluiceError INVALID_ARGUMENT */
export function checkTraceFormat(text: string, field = '--format'): TraceFormat {
  const found = TRACE_FORMATS.find((format) => format === text);
  if (found === undefined) throw invalid(field, `one of ${TRACE_FORMATS.join(', ')}`, text);
  return found;
}
