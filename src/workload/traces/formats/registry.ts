/** A parser for each format, by name. */
import { DeviceNames } from '../record.js';
import type { RecordParser, TraceFormat } from '../format.js';
import { BlkreplayParser } from './blkreplay.js';
import { AlibabaParser, TencentParser } from './cloud.js';
import { DisksimParser } from './disksim.js';
import { FioParser } from './fio.js';
import { MsrParser } from './msr.js';
import { VscsiParser } from './vscsi.js';

const PARSERS: Record<TraceFormat, () => RecordParser> = {
  blkreplay: () => new BlkreplayParser(),
  disksim: () => new DisksimParser(),
  msr: () => new MsrParser(new DeviceNames()),
  tencent: () => new TencentParser(),
  alibaba: () => new AlibabaParser(),
  fio: () => new FioParser(),
  vscsi: () => new VscsiParser(),
};

export function makeParser(format: TraceFormat): RecordParser {
  return PARSERS[format]();
}
