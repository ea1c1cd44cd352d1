/** Zeros that reads share. Whoever is handed them reads; nobody writes. */
import { MIB } from '../../core/model/units.js';

const VIEW_STEP = 512;
const SHORT_BYTES = MIB;

const short = Buffer.alloc(SHORT_BYTES);
/** By length, in steps: making a view costs more than a simulated read. */
const views: Uint8Array[] = new Array<Uint8Array>(SHORT_BYTES / VIEW_STEP + 1).fill(short);
let long = short;

/** `lengthBytes` zeros, without a copy. Must not be written to. */
export function zeros(lengthBytes: number): Uint8Array {
  if (lengthBytes > long.length) long = Buffer.alloc(lengthBytes);
  if (lengthBytes > SHORT_BYTES || lengthBytes % VIEW_STEP !== 0) return long.subarray(0, lengthBytes);
  const step = lengthBytes / VIEW_STEP;
  const view = views[step]!;
  return view.length === lengthBytes ? view : (views[step] = short.subarray(0, lengthBytes));
}

/** Whether the bytes are some of these zeros: for nothing, where looking at them all would cost. False says nothing. */
export function areZeros(data: Uint8Array): boolean {
  return data.buffer === short.buffer || data.buffer === long.buffer;
}
