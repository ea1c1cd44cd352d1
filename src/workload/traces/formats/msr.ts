/**
 * MSR Cambridge: `Timestamp,Hostname,DiskNumber,Type,Offset,Size,ResponseTime`; the timestamp is a
 * Windows filetime (100 ns ticks since 1601), Type `Read` or `Write`, offset and size in bytes.
 */
import { OPS } from '../../../core/model/request.js';
import type { DeviceNames, LineVerdict, RecordSlot } from '../record.js';
import { COMMA, LineParser } from './line-parser.js';

const TICK_DIGITS = 7;
const TICK_NS = 100;

export class MsrParser extends LineParser {
  #lines = 0;
  readonly #names = new Map<number, number>();

  protected line(slot: RecordSlot, devices: DeviceNames): LineVerdict {
    const { scan } = this;
    this.#lines++;
    const from = scan.at;
    if (!(scan.ticks(TICK_DIGITS, TICK_NS) && this.ends(COMMA))) {
      scan.at = from;
      scan.word(COMMA);
      if (this.#lines === 1 && scan.wordIs('timestamp')) return 'none';
      return this.broken(`timestamp must be 100 ns ticks since 1601, got "${scan.wordText()}"`);
    }
    slot.timeS = scan.timeS;
    slot.timeNs = scan.timeNs;
    if (!this.#device(slot, devices)) return 'broken';
    if (!this.wordField('type', COMMA)) return 'broken';
    if (scan.wordIs('read')) slot.op = OPS.READ;
    else if (scan.wordIs('write')) slot.op = OPS.WRITE;
    else return this.broken(`type must be Read or Write, got "${scan.wordText()}"`);
    const offset = this.field('offset', COMMA);
    if (offset < 0) return 'broken';
    const length = this.field('size', COMMA);
    if (length < 0) return 'broken';
    if (this.field('response time', 0) < 0) return 'broken';
    return this.range(slot, offset, length, 1);
  }

  /** A disk is known by host and number together, `host.number`. */
  #device(slot: RecordSlot, devices: DeviceNames): boolean {
    const { scan } = this;
    if (!this.wordField('hostname', COMMA)) return false;
    const start = scan.wordStart;
    if (!this.wordField('disk number', COMMA)) return false;
    // One look-up of the two fields as they stand; the name with its dot is made once a disk.
    const key = this.#keys.index(scan.bytes, start, scan.wordEnd);
    let index = this.#names.get(key);
    if (index === undefined) {
      index = devices.named(this.#keys.names[key]!.replace(/\s*,\s*/, '.'));
      this.#names.set(key, index);
    }
    slot.device = index;
    return true;
  }

  readonly #keys: DeviceNames;

  constructor(keys: DeviceNames) {
    super();
    this.#keys = keys;
  }
}
