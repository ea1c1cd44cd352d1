/** Which of a cluster's 16,384 slots a key lies in (Redis Cluster specification, "Hash tags"). */

const SLOTS = 16_384;

/** CRC-16/XMODEM, bit by bit: a key is looked up once a connection, not once a request. */
function crc16(text: string): number {
  let crc = 0;
  for (const byte of Buffer.from(text)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = ((crc & 0x8000) !== 0 ? (crc << 1) ^ 0x1021 : crc << 1) & 0xffff;
  }
  return crc;
}

export function slotOf(key: string): number {
  const open = key.indexOf('{');
  const close = key.indexOf('}', open + 1);
  const hashed = open >= 0 && close > open + 1 ? key.slice(open + 1, close) : key;
  return crc16(hashed) % SLOTS;
}
