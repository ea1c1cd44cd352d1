/**
 * `driver SOCKET DEPTH SECONDS SIZE_BYTES`: 4 KiB random reads of a disk of the vhost door, always DEPTH
 * of them out, as a guest's kernel would have it: it sleeps until an interrupt when there is nothing to
 * do, and kicks where the door asks for it. Prints `{"operations", "seconds"}`.
 */
import { loadNative } from '../../src/doors/vhost/native.js';
import { BLK_TYPES, encodePriority } from '../../src/wire/vhost/blk.js';
import { FrontEnd } from './front-end.js';

const BLOCK_BYTES = 4_096;
const SECTORS_A_BLOCK = BLOCK_BYTES / 512;

const [socket, depthText, secondsText, sizeText] = process.argv.slice(2);
const depth = Number(depthText);
const blocks = Number(sizeText) / BLOCK_BYTES;
const system = await loadNative();
const guest = new FrontEnd(system, { size: 256, indirect: true, blocking: true });
guest.connect(socket!);
await guest.start();

const queue = guest.queues[0]!;
const call = guest.calls[0]!;
let seed = 1;
const randomSector = (): number => {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
  return (seed % blocks) * SECTORS_A_BLOCK;
};
const again = (slot: number): void => {
  queue.aim(slot, randomSector());
  queue.push(slot);
};
for (let slot = 0; slot < depth; slot++) {
  queue.describe(slot, {
    type: BLK_TYPES.IN,
    ioprio: encodePriority('be', 4),
    sector: 0,
    reads: true,
    data: [{ at: 0, bytes: BLOCK_BYTES }],
  });
  again(slot);
}

const from = process.hrtime.bigint();
const until = from + BigInt(Number(secondsText) * 1e9);
let operations = 0;
let now = from;
for (let looks = 0; now < until; looks++) {
  if (queue.show()) guest.kick();
  let reaped = queue.reap(again);
  while (reaped === 0) {
    if (queue.askForInterrupt()) system.waitFor(call);
    reaped = queue.reap(again);
  }
  operations += reaped;
  if (looks % 16 === 0) now = process.hrtime.bigint();
}
const seconds = Number(process.hrtime.bigint() - from) / 1e9;
for (let slot = 0; slot < depth; slot++) {
  const status = queue.status(slot);
  if (status !== 0 && status !== 0xaa) throw new Error(`a read ended with status ${String(status)}`);
}
guest.close();
process.stdout.write(`${JSON.stringify({ operations, seconds })}\n`);
