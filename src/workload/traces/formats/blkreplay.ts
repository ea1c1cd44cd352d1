/**
 * blkreplay: `start ; sector ; length ; op ; replay_delay ; replay_duration`, start in seconds with
 * nine decimals, sector and length in 512-byte sectors, op `R`, `W` or `RA` (read-ahead: a read).
 * A free-text header stands before the first line that begins with a number and ` ;`.
 */
import { OPS } from '../../../core/model/request.js';
import type { DeviceNames, LineVerdict, RecordSlot } from '../record.js';
import { LineParser, SECTOR_BYTES, SEMICOLON } from './line-parser.js';

export class BlkreplayParser extends LineParser {
  #begun = false;

  protected line(slot: RecordSlot, devices: DeviceNames): LineVerdict {
    const { scan } = this;
    if (!(scan.time() && this.ends(SEMICOLON))) {
      return this.#begun ? this.broken('start must be seconds such as 12.000345678, then " ;"') : 'none';
    }
    this.#begun = true;
    const sector = this.field('sector', SEMICOLON);
    if (sector < 0) return 'broken';
    const length = this.field('length', SEMICOLON);
    if (length < 0) return 'broken';
    scan.blanks();
    scan.word(SEMICOLON);
    if (scan.wordIs('r') || scan.wordIs('ra')) slot.op = OPS.READ;
    else if (scan.wordIs('w')) slot.op = OPS.WRITE;
    else return this.broken(`op must be R, RA or W, got "${scan.wordText()}"`);
    slot.timeS = scan.timeS;
    slot.timeNs = scan.timeNs;
    slot.device = devices.named('0');
    return this.range(slot, sector, length, SECTOR_BYTES);
  }
}
