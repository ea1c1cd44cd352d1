/**
 * Records in a file that is only appended to, each with a checksum:
 *
 *   magic "SLR1" | length of payload (u32) | kind (u32) | CRC-32 of length, kind and payload | payload
 *
 * All little-endian. What does not check is skipped to the next record that does, so that damage in the
 * middle takes no more with it than it hit; what does not check at the end was being written when the
 * writer died.
 */
import { crc32 } from 'node:zlib';

const MAGIC = 0x31524c53;
const MAGIC_BYTES = Buffer.from('SLR1', 'latin1');
const HEAD_BYTES = 16;

export function frame(kind: number, payload: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(HEAD_BYTES + payload.length);
  bytes.writeUInt32LE(MAGIC, 0);
  bytes.writeUInt32LE(payload.length, 4);
  bytes.writeUInt32LE(kind, 8);
  bytes.writeUInt32LE(checksum(bytes, payload), 12);
  bytes.set(payload, HEAD_BYTES);
  return bytes;
}

/** A part of a file that holds no record that checks. */
export interface Gap {
  readonly fromByte: number;
  readonly toByte: number;
}

export interface Scanned {
  /** Where the last record that checks ends; what follows, if anything, is a torn tail. */
  readonly endByte: number;
  /** Before that. */
  readonly gaps: readonly Gap[];
}

/** Shows every record that checks, in order. Payloads are views on `bytes`. */
export function scanFrames(bytes: Buffer, visit: (kind: number, payload: Buffer) => void): Scanned {
  const gaps: Gap[] = [];
  let endByte = 0;
  let at = 0;
  while (at < bytes.length) {
    const length = payloadAt(bytes, at);
    if (length === null) {
      const next = bytes.indexOf(MAGIC_BYTES, at + 1);
      at = next < 0 ? bytes.length : next;
      continue;
    }
    if (at > endByte) gaps.push({ fromByte: endByte, toByte: at });
    visit(bytes.readUInt32LE(at + 8), bytes.subarray(at + HEAD_BYTES, at + HEAD_BYTES + length));
    at += HEAD_BYTES + length;
    endByte = at;
  }
  return { endByte, gaps };
}

/** The length of the payload of the record that begins here; null where none does. */
function payloadAt(bytes: Buffer, at: number): number | null {
  if (at + HEAD_BYTES > bytes.length || bytes.readUInt32LE(at) !== MAGIC) return null;
  const length = bytes.readUInt32LE(at + 4);
  if (at + HEAD_BYTES + length > bytes.length) return null;
  const payload = bytes.subarray(at + HEAD_BYTES, at + HEAD_BYTES + length);
  return checksum(bytes.subarray(at), payload) === bytes.readUInt32LE(at + 12) ? length : null;
}

function checksum(head: Buffer, payload: Uint8Array): number {
  return crc32(payload, crc32(head.subarray(4, 12)));
}
