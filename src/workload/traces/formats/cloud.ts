/**
 * The block traces of two clouds, comma-separated.
 * Tencent: `Timestamp(s),Offset(sectors),Size(sectors),IOType(0 read, 1 write),VolumeID`.
 * Alibaba: `device_id,opcode(R or W),offset(bytes),length(bytes),timestamp(us)`.
 */
import { OPS } from '../../../core/model/request.js';
import type { DeviceNames, LineVerdict, RecordSlot } from '../record.js';
import { COMMA, LineParser, SECTOR_BYTES } from './line-parser.js';

const MICROSECOND_DIGITS = 6;
const MICROSECOND_NS = 1_000;

export class TencentParser extends LineParser {
  #lines = 0;

  protected line(slot: RecordSlot, devices: DeviceNames): LineVerdict {
    const { scan } = this;
    this.#lines++;
    const from = scan.at;
    if (!(scan.time() && this.ends(COMMA))) {
      scan.at = from;
      scan.word(COMMA);
      if (this.#lines === 1 && scan.wordIs('timestamp')) return 'none';
      return this.broken(`timestamp must be seconds, got "${scan.wordText()}"`);
    }
    slot.timeS = scan.timeS;
    slot.timeNs = scan.timeNs;
    const sector = this.field('offset', COMMA);
    if (sector < 0) return 'broken';
    const length = this.field('size', COMMA);
    if (length < 0) return 'broken';
    const type = this.field('type', COMMA);
    if (type < 0) return 'broken';
    if (type > 1) return this.broken(`type must be 0 (read) or 1 (write), got ${String(type)}`);
    slot.op = type === 0 ? OPS.READ : OPS.WRITE;
    if (!this.wordField('volume', 0)) return 'broken';
    slot.device = devices.index(scan.bytes, scan.wordStart, scan.wordEnd);
    return this.range(slot, sector, length, SECTOR_BYTES);
  }
}

export class AlibabaParser extends LineParser {
  #lines = 0;

  protected line(slot: RecordSlot, devices: DeviceNames): LineVerdict {
    const { scan } = this;
    this.#lines++;
    if (!this.wordField('device', COMMA)) return 'broken';
    if (this.#lines === 1 && scan.wordIs('device_id')) return 'none';
    const deviceStart = scan.wordStart;
    const deviceEnd = scan.wordEnd;
    if (!this.wordField('opcode', COMMA)) return 'broken';
    if (scan.wordIs('r')) slot.op = OPS.READ;
    else if (scan.wordIs('w')) slot.op = OPS.WRITE;
    else return this.broken(`opcode must be R or W, got "${scan.wordText()}"`);
    const offset = this.field('offset', COMMA);
    if (offset < 0) return 'broken';
    const length = this.field('length', COMMA);
    if (length < 0) return 'broken';
    scan.blanks();
    if (!(scan.ticks(MICROSECOND_DIGITS, MICROSECOND_NS) && this.ends(0))) {
      return this.broken('timestamp must be whole microseconds');
    }
    slot.timeS = scan.timeS;
    slot.timeNs = scan.timeNs;
    slot.device = devices.index(scan.bytes, deviceStart, deviceEnd);
    return this.range(slot, offset, length, 1);
  }
}
