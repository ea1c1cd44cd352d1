/** Jobs a second that do nothing, handed out through Redis by libraries that people use for it. */
import Bottleneck from 'bottleneck';
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import type { BenchRedis } from './server.js';

const CONCURRENCY = 32;

/** BullMQ: jobs lie ready; one worker takes them, as many at a time as a host has slots. */
export async function bullmq(redis: BenchRedis, jobs: number): Promise<number> {
  const connection = { path: redis.socket, maxRetriesPerRequest: null };
  const queue = new Queue('bench', { connection });
  await queue.addBulk(
    Array.from({ length: jobs }, () => ({ name: 'job', data: {}, opts: { removeOnComplete: true } })),
  );
  let done = 0;
  const from = process.hrtime.bigint();
  const worker = await new Promise<Worker>((resolve, reject) => {
    const made: Worker = new Worker(
      'bench',
      () => {
        if (++done === jobs) setImmediate(() => resolve(made));
        return Promise.resolve();
      },
      { connection, concurrency: CONCURRENCY },
    );
    made.on('error', reject);
  });
  const seconds = Number(process.hrtime.bigint() - from) / 1e9;
  await worker.close();
  await queue.close();
  return jobs / seconds;
}

/** Bottleneck, clustered over Redis: as many jobs at a time as a host has slots. */
export async function bottleneck(redis: BenchRedis, jobs: number): Promise<number> {
  const limiter = new Bottleneck({
    id: 'bench',
    maxConcurrent: CONCURRENCY,
    datastore: 'ioredis',
    clearDatastore: true,
    clientOptions: { path: redis.socket },
    Redis,
  });
  await limiter.ready();
  const from = process.hrtime.bigint();
  await Promise.all(Array.from({ length: jobs }, () => limiter.schedule(() => Promise.resolve())));
  const seconds = Number(process.hrtime.bigint() - from) / 1e9;
  await limiter.disconnect();
  return jobs / seconds;
}
