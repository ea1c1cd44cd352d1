/** Zeros that reads share. Whoever is handed them reads; nobody writes. */
import { MIB } from '../../core/model/units.js';

let shared = Buffer.alloc(MIB);

/** `lengthBytes` zeros, without a copy. Must not be written to. */
export function zeros(lengthBytes: number): Uint8Array {
  if (lengthBytes > shared.length) shared = Buffer.alloc(lengthBytes);
  return shared.subarray(0, lengthBytes);
}
