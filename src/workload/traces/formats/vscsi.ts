/**
 * vSCSI version 1, binary, little-endian records of 32 bytes: u32 serial, u32 length in bytes, u32
 * count of scatter-gather elements, u16 SCSI command, u16 version (high byte 1), u64 start block of
 * 512 bytes, u64 timestamp in microseconds. Commands that move no data are passed over.
 */
import { NS_PER_US } from '../../../core/model/units.js';
import { OPS } from '../../../core/model/request.js';
import type { DeviceNames, LineVerdict, RecordSlot } from '../record.js';
import type { RecordParser } from '../format.js';
import { RECORD_LENGTH_MAX } from '../record.js';
import { SECTOR_BYTES } from './line-parser.js';

export const VSCSI_RECORD_BYTES = 32;
const READ_10 = 0x28;
const READ_16 = 0x88;
const WRITE_10 = 0x2a;
const WRITE_16 = 0x8a;
const VERSION = 1;
const WORD = 2 ** 32;
const US_PER_S = 1_000_000;

function isVscsiTransfer(command: number): boolean {
  return command === READ_10 || command === READ_16 || command === WRITE_10 || command === WRITE_16;
}

export class VscsiParser implements RecordParser {
  readonly recordBytes = VSCSI_RECORD_BYTES;
  reason = '';

  parse(bytes: Uint8Array, start: number, end: number, slot: RecordSlot, devices: DeviceNames): LineVerdict {
    if (end - start !== VSCSI_RECORD_BYTES) return this.#broken('the file ends inside a record');
    const version = u16(bytes, start + 14) >> 8;
    if (version !== VERSION) return this.#broken(`version must be 1, got ${String(version)}`);
    const command = u16(bytes, start + 12);
    if (!isVscsiTransfer(command)) return 'none';
    const lengthBytes = u32(bytes, start + 4);
    if (lengthBytes < 1 || lengthBytes > RECORD_LENGTH_MAX) return this.#broken('length must be 1 or more, got 0');
    const block = u32(bytes, start + 16) + u32(bytes, start + 20) * WORD;
    const timeUs = u32(bytes, start + 24) + u32(bytes, start + 28) * WORD;
    slot.offset = block * SECTOR_BYTES;
    if (slot.offset + lengthBytes > Number.MAX_SAFE_INTEGER) return this.#broken('start block must lie below 2^44');
    if (timeUs > Number.MAX_SAFE_INTEGER) return this.#broken('timestamp must lie below 2^53 microseconds');
    slot.lengthBytes = lengthBytes;
    slot.op = command === READ_10 || command === READ_16 ? OPS.READ : OPS.WRITE;
    slot.timeS = Math.floor(timeUs / US_PER_S);
    slot.timeNs = (timeUs % US_PER_S) * NS_PER_US;
    slot.device = devices.named('0');
    return 'record';
  }

  #broken(reason: string): LineVerdict {
    this.reason = reason;
    return 'broken';
  }
}

function u16(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8);
}

function u32(bytes: Uint8Array, at: number): number {
  return (u16(bytes, at) | (u16(bytes, at + 2) << 16)) >>> 0;
}
