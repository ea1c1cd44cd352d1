/**
 * What the door and all behind it cost over bare gRPC: Stream on a null device against an echo of the
 * same messages, raw stubs on both sides, each server in a process of its own; and what the receive
 * window does for 64 KiB writes. Medians of interleaved pairs.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { KIB, MIB } from '../src/core/model/units.js';
import { ClientLibraryLoad } from './grpc-client-load.js';
import type { ServerKind } from './grpc-server.js';
import { LoadClient, type Load } from './grpc-load.js';
import { median, type BenchRow, type Timed } from './report.js';

const PAIRS = 5;
/** Below the credit of a handle, so that the same number is out at both servers. */
const WINDOW = 192;
const SECTOR_BYTES = 512;

export interface Running {
  readonly process: ChildProcess;
  readonly port: number;
  readonly client: LoadClient;
}

type Runner = Pick<LoadClient, 'run'>;

export async function start(kind: ServerKind): Promise<Running> {
  const child = fork(fileURLToPath(new URL('grpc-server.js', import.meta.url)), [kind]);
  const [port] = (await once(child, 'message')) as [number];
  return { process: child, port, client: new LoadClient(port, kind !== 'echo') };
}

export async function stop(running: Running): Promise<void> {
  running.client.close();
  running.process.disconnect();
  await once(running.process, 'exit');
}

export async function pairs(
  name: string,
  unit: string,
  peer: string,
  load: Load,
  rate: (run: Timed) => number,
  subject: Runner,
  other: Runner,
  count = PAIRS,
): Promise<BenchRow> {
  const rates: number[] = [];
  const peerRates: number[] = [];
  for (let pair = -1; pair < count; pair++) {
    const order = pair % 2 === 0 ? [subject, other] : [other, subject];
    const measured = new Map<Runner, number>();
    for (const client of order) measured.set(client, rate(await client.run(load)));
    if (pair < 0) continue;
    rates.push(measured.get(subject)!);
    peerRates.push(measured.get(other)!);
  }
  const ratio = median(rates.map((value, i) => value / peerRates[i]!));
  return { name, value: median(rates), unit, peer, peerValue: median(peerRates), ratio };
}

export function reads(perFrame: number, requests: number): Load {
  return {
    requests,
    perFrame,
    window: WINDOW,
    request: (id) => ({ id, handle: 1, op: 1, offset: (id % 4_096) * SECTOR_BYTES, length: SECTOR_BYTES }),
  };
}

function trims(perFrame: number, requests: number): Load {
  return {
    requests,
    perFrame,
    window: WINDOW,
    request: (id) => ({ id, handle: 1, op: 4, offset: (id % 4_096) * SECTOR_BYTES, length: SECTOR_BYTES }),
  };
}

function writes64k(requests: number): Load {
  const data = Buffer.alloc(64 * KIB, 1);
  return {
    requests,
    perFrame: 1,
    window: 32,
    request: (id) => ({ id, handle: 1, op: 2, offset: (id % 1_024) * data.length, length: data.length, data }),
  };
}

export const perSecond = ({ operations, seconds }: Timed): number => operations / seconds;
const mibPerSecond = ({ operations, seconds }: Timed): number => (operations * 64 * KIB) / MIB / seconds;

export async function grpcBenchmark(): Promise<BenchRow[]> {
  const sluice = await start('sluice');
  const echo = await start('echo');
  const smallWindow = await start('sluice-small-window');
  const library = await ClientLibraryLoad.connect(sluice.port);
  try {
    const rows: BenchRow[] = [];
    for (const [what, load, perFrame, requests] of [
      ['READ 512 B', reads, 16, 96_000],
      ['READ 512 B', reads, 64, 192_000],
      ['TRIM', trims, 16, 96_000],
      ['TRIM', trims, 64, 192_000],
    ] as const) {
      const name = `Stream, ${what}, ${String(perFrame)} a message`;
      const peer = 'bare grpc-js echo';
      rows.push(await pairs(name, 'ops/s', peer, load(perFrame, requests), perSecond, sluice.client, echo.client));
    }
    const inLibrary = 'src/client, READ 512 B, its own batches';
    const peer64 = 'bare grpc-js echo, 64 a message';
    rows.push(await pairs(inLibrary, 'ops/s', peer64, reads(64, 192_000), perSecond, library, echo.client));
    const name = 'Stream, WRITE 64 KiB, receive window raised';
    const peer = 'as grpc-js sets it';
    rows.push(await pairs(name, 'MiB/s', peer, writes64k(4_000), mibPerSecond, sluice.client, smallWindow.client));
    return rows;
  } finally {
    library.close();
    await Promise.all([sluice, echo, smallWindow].map(stop));
  }
}
