/** Block contents that say where they belong, so that data in the wrong place is seen as wrong. */

export const BLOCK_BYTES = 4_096;
const WORDS = BLOCK_BYTES / 4;

/** Knuth's multiplicative hash: neighbouring offsets give unlike words. */
function word(offset: number, index: number): number {
  return Math.imul(offset / BLOCK_BYTES + 1, 2_654_435_761 | 0) ^ Math.imul(index, 40_503);
}

/** What the blocks of a range hold; offset and length are multiples of BLOCK_BYTES. */
export function patternAt(offset: number, lengthBytes: number): Buffer {
  const data = Buffer.allocUnsafe(lengthBytes);
  for (let at = 0; at < lengthBytes; at += 4) {
    const inBlock = at % BLOCK_BYTES;
    data.writeInt32LE(word(offset + at - inBlock, inBlock / 4), at);
  }
  return data;
}

/** Whether a block is what was written at its offset. */
export function isPattern(data: Buffer, offset: number): boolean {
  if (data.length !== BLOCK_BYTES) return false;
  for (let index = 0; index < WORDS; index++) {
    if (data.readInt32LE(index * 4) !== word(offset, index)) return false;
  }
  return true;
}
