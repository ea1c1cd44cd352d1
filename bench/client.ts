/**
 * What the client library costs: a closed loop through a handle, by callbacks and by promises,
 * against the raw generated stub that keeps as many requests out at the same server, in a process of
 * its own with a null device. Medians of interleaved pairs.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { SluiceClient, type Handle, type IoReply, type ReplySink } from '../src/client/index.js';
import { OPS, type Op } from '../src/core/model/request.js';
import { LoadClient } from './grpc-load.js';
import { median, type BenchRow, type Timed } from './report.js';

const PAIRS = 5;
/** Below the credit of a handle, so that as many are out on both sides. */
const WINDOW = 192;
const SECTOR_BYTES = 512;
const SECTORS = 4_096;

/** Keeps a window of requests out: each reply issues the next. */
class ClosedLoop implements ReplySink {
  private readonly handle: Handle;
  private readonly op: Op;
  private left = 0;
  private out = 0;
  private done: () => void = () => undefined;

  constructor(handle: Handle, op: Op) {
    this.handle = handle;
    this.op = op;
  }

  async run(requests: number): Promise<Timed> {
    const from = process.hrtime.bigint();
    this.left = requests;
    await new Promise<void>((resolve) => {
      this.done = resolve;
      for (let i = 0; i < WINDOW; i++) this.issue(i);
    });
    return { seconds: Number(process.hrtime.bigint() - from) / 1e9, operations: requests };
  }

  replied(token: number, reply: IoReply): void {
    if (reply.code !== 0) throw new Error(`request ${String(reply.id)}: ${reply.message}`);
    this.out -= 1;
    if (this.left > 0) this.issue(token);
    else if (this.out === 0) this.done();
  }

  private issue(token: number): void {
    this.left -= 1;
    this.out += 1;
    this.handle.issue(this.op, (this.left % SECTORS) * SECTOR_BYTES, SECTOR_BYTES, null, this, token);
  }
}

/** The same with as many loops that await each request. */
async function awaited(handle: Handle, op: Op, requests: number): Promise<Timed> {
  const from = process.hrtime.bigint();
  let left = requests;
  const loop = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const offset = (left % SECTORS) * SECTOR_BYTES;
      if (op === OPS.READ) await handle.read(offset, SECTOR_BYTES);
      else await handle.trim(offset, SECTOR_BYTES);
    }
  };
  await Promise.all(Array.from({ length: WINDOW }, loop));
  return { seconds: Number(process.hrtime.bigint() - from) / 1e9, operations: requests };
}

async function pairs(
  name: string,
  peer: string,
  subject: () => Promise<Timed>,
  other: () => Promise<Timed>,
): Promise<BenchRow> {
  const rates: number[] = [];
  const peerRates: number[] = [];
  const rateOf = async (run: () => Promise<Timed>): Promise<number> => {
    const { operations, seconds } = await run();
    return operations / seconds;
  };
  for (let pair = -1; pair < PAIRS; pair++) {
    const subjectFirst = pair % 2 === 0;
    const first = await rateOf(subjectFirst ? subject : other);
    const second = await rateOf(subjectFirst ? other : subject);
    if (pair < 0) continue;
    rates.push(subjectFirst ? first : second);
    peerRates.push(subjectFirst ? second : first);
  }
  const ratio = median(rates.map((rate, i) => rate / peerRates[i]!));
  return { name, value: median(rates), unit: 'ops/s', peer, peerValue: median(peerRates), ratio };
}

export async function clientBenchmark(): Promise<BenchRow[]> {
  const server = fork(fileURLToPath(new URL('grpc-server.js', import.meta.url)), ['sluice']);
  const [port] = (await once(server, 'message')) as [number];
  const stub = new LoadClient(port, true);
  const client = await SluiceClient.connect(`127.0.0.1:${String(port)}`);
  try {
    const handle = await client.open('null0', 'bench');
    const rows: BenchRow[] = [];
    for (const [what, op] of [
      ['READ 512 B', OPS.READ],
      ['TRIM', OPS.TRIM],
    ] as const) {
      const requests = op === OPS.READ ? 96_000 : 160_000;
      const raw = (): Promise<Timed> =>
        stub.run({
          requests,
          perFrame: 64,
          window: WINDOW,
          request: (id) => ({ id, handle: 1, op, offset: (id % SECTORS) * SECTOR_BYTES, length: SECTOR_BYTES }),
        });
      const loop = new ClosedLoop(handle, op);
      const peer = 'raw stub, 64 a message';
      rows.push(await pairs(`client, ${what}, callbacks`, peer, () => loop.run(requests), raw));
      rows.push(await pairs(`client, ${what}, promises`, peer, () => awaited(handle, op, requests), raw));
    }
    return rows;
  } finally {
    client.destroy();
    stub.close();
    server.disconnect();
    await once(server, 'exit');
  }
}
