/** Tells a trace's format from its first bytes. */
import { SluiceError } from '../../core/model/errors.js';
import { TRACE_FORMATS } from './format.js';
import type { TraceFormat } from './format.js';
import { VSCSI_RECORD_BYTES } from './formats/vscsi.js';

/** How much of a trace is looked at: more than any free-text header seen. */
export const SAMPLE_BYTES = 64 * 1024;
const LINES_MAX = 500;

const LINE_OF: readonly (readonly [TraceFormat, RegExp])[] = [
  ['blkreplay', /^\s*[0-9.]+ ;\s*[0-9]+\s*;\s*[0-9]+\s*;\s*[A-Za-z]+\s*;/],
  ['msr', /^\s*[0-9]+,[^,]+,[0-9]+,(?:Read|Write),[0-9]+,[0-9]+,[0-9]+\s*$/i],
  ['alibaba', /^\s*[^,]+,[RW],[0-9]+,[0-9]+,[0-9]+\s*$/i],
  ['tencent', /^\s*[0-9.]+,[0-9]+,[0-9]+,[01],[^,]+$/],
  ['disksim', /^\s*[0-9]+\s+[0-9]+\s+[0-9]+\s+[0-9]+\s+[01]\s*$/],
];

/**
 * The format that most lines of the sample have.
 * @throws SluiceError INVALID_ARGUMENT where none fits
 */
export function detectFormat(sample: Uint8Array, name: string): TraceFormat {
  const text = Buffer.from(sample.buffer, sample.byteOffset, Math.min(sample.length, SAMPLE_BYTES)).toString('latin1');
  if (/^fio version [0-9]+ iolog/.test(text)) return 'fio';
  if (text.includes('\0')) {
    if (looksLikeVscsi(sample)) return 'vscsi';
  } else {
    const format = mostLines(text);
    if (format !== null) return format;
  }
  throw new SluiceError(
    'INVALID_ARGUMENT',
    `${name}: its content is of no known trace format; name one of ${TRACE_FORMATS.join(', ')} with --format`,
    { field: 'format' },
  );
}

function mostLines(text: string): TraceFormat | null {
  const counts = new Map<TraceFormat, number>();
  for (const line of text.split('\n', LINES_MAX)) {
    const found = LINE_OF.find(([, pattern]) => pattern.test(line));
    if (found !== undefined) counts.set(found[0], (counts.get(found[0]) ?? 0) + 1);
  }
  let best: TraceFormat | null = null;
  for (const [format, count] of counts) {
    if (best === null || count > counts.get(best)!) best = format;
  }
  return best;
}

/** The version's high byte is 1 in most of the first records. */
function looksLikeVscsi(sample: Uint8Array): boolean {
  const records = Math.min(16, Math.floor(sample.length / VSCSI_RECORD_BYTES));
  let versions = 0;
  for (let i = 0; i < records; i++) if (sample[i * VSCSI_RECORD_BYTES + 15] === 1) versions++;
  return versions > 0 && versions * 2 >= records;
}
