/**
 * DiskSim's ASCII form as MQSim reads it: arrival time in ns, device number, start sector, size in
 * sectors of 512 bytes, type (0 = write, 1 = read), separated by blanks.
 */
import { NS_PER_S } from '../../../core/model/units.js';
import { OPS } from '../../../core/model/request.js';
import type { DeviceNames, LineVerdict, RecordSlot } from '../record.js';
import { LineParser, NO_STOP, SECTOR_BYTES } from './line-parser.js';

export class DisksimParser extends LineParser {
  protected line(slot: RecordSlot, devices: DeviceNames): LineVerdict {
    const { scan } = this;
    const time = this.field('arrival time', NO_STOP);
    if (time < 0) return 'broken';
    if (!this.wordField('device', NO_STOP)) return 'broken';
    slot.device = devices.index(scan.bytes, scan.wordStart, scan.wordEnd);
    const sector = this.field('start sector', NO_STOP);
    if (sector < 0) return 'broken';
    const length = this.field('size', NO_STOP);
    if (length < 0) return 'broken';
    const type = this.field('type', 0);
    if (type < 0) return 'broken';
    if (type > 1) return this.broken(`type must be 0 (write) or 1 (read), got ${String(type)}`);
    slot.op = type === 1 ? OPS.READ : OPS.WRITE;
    slot.timeS = Math.floor(time / NS_PER_S);
    slot.timeNs = time % NS_PER_S;
    return this.range(slot, sector, length, SECTOR_BYTES);
  }
}
