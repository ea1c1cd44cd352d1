/** Zeros that reads share. Whoever is handed them reads; nobody writes. */
import { MIB } from '../../core/model/units.js';

let shared = Buffer.alloc(MIB);
/** The last view handed out: requests of one length follow each other, and making a view costs more than a simulated read. */
let last: Uint8Array = shared;

/** `lengthBytes` zeros, without a copy. Must not be written to. */
export function zeros(lengthBytes: number): Uint8Array {
  if (last.length === lengthBytes) return last;
  if (lengthBytes > shared.length) shared = Buffer.alloc(lengthBytes);
  last = shared.subarray(0, lengthBytes);
  return last;
}

/** Whether the bytes are some of these zeros: for nothing, where looking at them all would cost. False says nothing. */
export function areZeros(data: Uint8Array): boolean {
  return data.buffer === shared.buffer;
}
