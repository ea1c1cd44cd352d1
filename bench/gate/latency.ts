/**
 * What coordination adds to a request: the same dispatcher on the same simulated SSD, once with the
 * gate of one process, once with that of a shared store; each request timed from submit to answer.
 */
import { RealClock } from '../../src/clock/real.js';
import { ExchangeGate } from '../../src/coordination/exchange/gate.js';
import { coordinationOptions } from '../../src/coordination/exchange/options.js';
import { LocalGate } from '../../src/coordination/local/gate.js';
import { RedisExchange } from '../../src/coordination/redis/transport.js';
import { Dispatcher } from '../../src/core/dispatcher.js';
import { DEFAULT_SETTINGS, type DeviceSettings } from '../../src/core/model/device.js';
import { OPS } from '../../src/core/model/request.js';
import { GIB, KIB, NS_PER_US } from '../../src/core/model/units.js';
import { PendingIo, type IoSink } from '../../src/core/pending-io.js';
import type { Gate, Logger } from '../../src/core/ports.js';
import { SeededRng } from '../../src/core/rng.js';
import { Ledger } from '../../src/core/usage.js';
import { makeSimulation } from '../../src/devices/factory.js';
import type { BenchRedis } from './server.js';

const IO_BYTES = 4 * KIB;
const SIZE_BYTES = GIB;
const quiet: Logger = { info: () => undefined, warn: () => undefined, error: () => undefined };
const sharesOf = (): { shares: number; selfShares: number } => ({ shares: 100, selfShares: 100 });

export interface Load {
  readonly tags: number;
  /** Requests of each tag outstanding at a time. */
  readonly each: number;
  readonly depth: number;
  readonly requests: number;
}

export interface Percentiles {
  readonly p50Us: number;
  readonly p99Us: number;
}

export function embedded(load: Load): Promise<Percentiles> {
  const clock = new RealClock();
  const settings = { ...DEFAULT_SETTINGS, depth: load.depth };
  return run(clock, settings, new LocalGate(clock, settings, sharesOf), load);
}

export async function shared(redis: BenchRedis, load: Load): Promise<Percentiles> {
  const clock = new RealClock();
  const settings = { ...DEFAULT_SETTINGS, depth: load.depth };
  const connection = await redis.connect();
  try {
    await connection.batch([['FLUSHALL']]);
    const gate = new ExchangeGate({
      device: 'disk0',
      host: 'bench',
      clock,
      transport: new RedisExchange(connection),
      logger: quiet,
      settings,
      sharesOf,
      policyRevision: () => 1,
      settingsRevision: () => 1,
      options: coordinationOptions(),
    });
    return await run(clock, settings, gate, load);
  } finally {
    connection.close();
  }
}

async function run(clock: RealClock, settings: DeviceSettings, gate: Gate, load: Load): Promise<Percentiles> {
  const simulation = { kind: 'ssd', sizeBytes: SIZE_BYTES, blockBytes: 512, seed: 1, memoryBytesMax: GIB } as const;
  const device = makeSimulation(simulation, clock);
  const dispatcher = new Dispatcher({
    name: 'disk0',
    clock,
    device,
    gate,
    ledger: new Ledger(clock),
    settings,
    logger: quiet,
  });
  // The first requests find the host joining and everything cold.
  await closedLoop(clock, dispatcher, load, Math.ceil(load.requests / 4));
  const tookUs = await closedLoop(clock, dispatcher, load, load.requests);
  dispatcher.close();
  await device.close();
  tookUs.sort();
  return { p50Us: tookUs[tookUs.length >> 1]!, p99Us: tookUs[Math.floor(tookUs.length * 0.99)]! };
}

function closedLoop(clock: RealClock, dispatcher: Dispatcher, load: Load, requests: number): Promise<Float64Array> {
  const rng = new SeededRng(1);
  const tookUs = new Float64Array(requests);
  const fromNs = new Float64Array(requests);
  let sent = 0;
  let ended = 0;
  return new Promise((resolve, reject) => {
    const send = (tag: string): void => {
      if (sent === requests) return;
      const id = sent++;
      const sink: IoSink = {
        completed: (io) => {
          if (io.code !== 'OK') reject(new Error(`${io.code} ${io.message}`));
          tookUs[id] = (clock.nowNs() - fromNs[id]!) / NS_PER_US;
          ended += 1;
          if (ended === requests) resolve(tookUs);
          // As from a client: not within the answer.
          setImmediate(send, tag);
        },
      };
      fromNs[id] = clock.nowNs();
      const offset = rng.below(SIZE_BYTES / IO_BYTES) * IO_BYTES;
      dispatcher.submit(new PendingIo(OPS.READ, offset, IO_BYTES, null, false, 0, id, 0, sink), tag);
    };
    for (let tag = 0; tag < load.tags; tag++) for (let i = 0; i < load.each; i++) send(`tag${tag}`);
  });
}
