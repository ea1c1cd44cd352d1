/** What the text formats share: a scanner, a reason, and the checks of the fields all have. */
import { RECORD_LENGTH_MAX } from '../record.js';
import type { DeviceNames, LineVerdict, RecordSlot } from '../record.js';
import type { RecordParser } from '../format.js';
import { Scanner } from '../scanner.js';

export const SECTOR_BYTES = 512;
export const COMMA = 0x2c;
export const SEMICOLON = 0x3b;
/** A byte that stands in no line: for words that only a blank ends. */
export const NO_STOP = -1;

export abstract class LineParser implements RecordParser {
  readonly recordBytes = 0;
  reason = '';
  protected readonly scan = new Scanner();

  parse(bytes: Uint8Array, start: number, end: number, slot: RecordSlot, devices: DeviceNames): LineVerdict {
    this.scan.over(bytes, start, end);
    this.scan.blanks();
    if (this.scan.atEnd()) return 'none';
    return this.line(slot, devices);
  }

  /** The scanner stands at the line's first byte that is no blank. */
  protected abstract line(slot: RecordSlot, devices: DeviceNames): LineVerdict;

  protected broken(reason: string): LineVerdict {
    this.reason = reason;
    return 'broken';
  }

  /** Digits, then blanks and `stop` (or the end of the line where stop is 0); -1 and a reason where it is otherwise. */
  protected field(name: string, stop: number): number {
    const { scan } = this;
    scan.blanks();
    const from = scan.at;
    const value = scan.digits();
    const ended = value >= 0 && this.ends(stop);
    if (!ended) {
      scan.at = from;
      scan.word(stop);
      this.reason = `${name} must be a whole number, got "${scan.wordText()}"`;
      return -1;
    }
    return value;
  }

  /** Blanks, then `stop`, or the end of the line where stop is 0, or a blank or the end where it is NO_STOP. */
  protected ends(stop: number): boolean {
    const { scan } = this;
    const before = scan.at;
    scan.blanks();
    if (stop === NO_STOP) return scan.at > before || scan.atEnd();
    return stop === 0 ? scan.atEnd() : scan.take(stop);
  }

  /** A word, then what ends() takes. */
  protected wordField(name: string, stop: number): boolean {
    const { scan } = this;
    scan.blanks();
    if (scan.word(stop) && this.ends(stop)) return true;
    this.reason = `${name} is missing`;
    return false;
  }

  /** Puts a range of `unitBytes` units into the slot. */
  protected range(slot: RecordSlot, offset: number, length: number, unitBytes: number): LineVerdict {
    if (length < 1) return this.broken('length must be 1 or more, got 0');
    const lengthBytes = length * unitBytes;
    if (lengthBytes > RECORD_LENGTH_MAX) {
      return this.broken(`length must be at most ${String(RECORD_LENGTH_MAX)} bytes, got ${String(lengthBytes)}`);
    }
    slot.offset = offset * unitBytes;
    slot.lengthBytes = lengthBytes;
    if (slot.offset + lengthBytes > Number.MAX_SAFE_INTEGER) return this.broken('offset must lie below 2^53 bytes');
    return 'record';
  }
}
