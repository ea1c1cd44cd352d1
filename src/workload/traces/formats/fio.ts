/**
 * fio's iolog, versions 2 and 3 (fio HOWTO, "Trace file format"). Version 2: `filename action` and
 * `filename action offset length`; time passes only in `wait`, whose offset is microseconds after the
 * wait before. Version 3 puts a timestamp in front of each line and has no wait. The HOWTO names no
 * unit for it; fio writes and reads microseconds since the start of the run (iolog.c, log_io_u).
 */
import { NS_PER_S, NS_PER_US } from '../../../core/model/units.js';
import { OPS } from '../../../core/model/request.js';
import type { Op } from '../../../core/model/request.js';
import type { DeviceNames, LineVerdict, RecordSlot } from '../record.js';
import { LineParser, NO_STOP } from './line-parser.js';

/** fio throws shorter waits away. */
const WAIT_US_MIN = 100;
const US_PER_S = 1_000_000;

export class FioParser extends LineParser {
  #version = 0;
  #timeUs = 0;

  protected line(slot: RecordSlot, devices: DeviceNames): LineVerdict {
    const { scan } = this;
    if (this.#version === 0) return this.#header();
    if (this.#version === 3) {
      const timeUs = this.field('timestamp', NO_STOP);
      if (timeUs < 0) return 'broken';
      this.#timeUs = timeUs;
    }
    if (!this.wordField('filename', NO_STOP)) return 'broken';
    const fileStart = scan.wordStart;
    const fileEnd = scan.wordEnd;
    if (!this.wordField('action', NO_STOP)) return 'broken';
    if (scan.atEnd()) {
      if (scan.wordIs('add') || scan.wordIs('open') || scan.wordIs('close')) return 'none';
      return this.broken(`action without a range must be add, open or close, got "${scan.wordText()}"`);
    }
    const op = this.#op();
    if (op === -1) return 'broken';
    const offset = this.field('offset', NO_STOP);
    if (offset < 0) return 'broken';
    // fio itself writes waits with a length, people leave it out.
    if (op === 0 && scan.atEnd()) return this.#wait(offset);
    const length = this.field('length', 0);
    if (length < 0) return 'broken';
    if (op === 0) return this.#wait(offset);
    slot.op = op;
    slot.timeS = Math.floor(this.#timeUs / US_PER_S);
    slot.timeNs = (this.#timeUs * NS_PER_US) % NS_PER_S;
    slot.device = devices.index(scan.bytes, fileStart, fileEnd);
    if (op !== OPS.FLUSH) return this.range(slot, offset, length, 1);
    slot.offset = 0;
    slot.lengthBytes = 0;
    return 'record';
  }

  #header(): LineVerdict {
    const { scan } = this;
    const text = Buffer.from(scan.bytes.subarray(scan.at, Math.min(scan.end, scan.at + 40)))
      .toString('latin1')
      .trim();
    // Anything else and every line would be read in the wrong version.
    this.#version = text === 'fio version 3 iolog' ? 3 : 2;
    if (/^fio version [23] iolog$/.test(text)) return 'none';
    return this.broken(`the first line must be "fio version 2 iolog" or "fio version 3 iolog", got "${text}"`);
  }

  /** The operation, 0 for a wait, -1 for what is no action. */
  #op(): Op | 0 | -1 {
    const { scan } = this;
    if (scan.wordIs('read')) return OPS.READ;
    if (scan.wordIs('write')) return OPS.WRITE;
    if (scan.wordIs('trim')) return OPS.TRIM;
    if (scan.wordIs('sync') || scan.wordIs('datasync') || scan.wordIs('sync_file_range')) return OPS.FLUSH;
    if (scan.wordIs('wait') && this.#version === 2) return 0;
    this.reason =
      this.#version === 2
        ? `action must be read, write, trim, sync, datasync or wait, got "${scan.wordText()}"`
        : `action must be read, write, trim, sync or datasync, got "${scan.wordText()}"`;
    return -1;
  }

  #wait(us: number): LineVerdict {
    if (us >= WAIT_US_MIN) this.#timeUs += us;
    return 'none';
  }
}
