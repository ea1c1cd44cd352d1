/** Options of stores in a test's own Redis, each on keys of its own. */
import { RealClock } from '../../src/clock/real.js';
import { RedisConnection } from '../../src/coordination/redis/connection.js';
import type { SharedRecordsOptions } from '../../src/coordination/redis/shared-records.js';
import { parseStoreUrl } from '../../src/coordination/redis/url.js';
import { LogLines } from './log-lines.js';

export function connectTo(url: string, log = new LogLines()): Promise<RedisConnection> {
  return RedisConnection.open({ url: parseStoreUrl(url), password: '', tls: {}, logger: log.logger });
}

export function recordOptions(
  connection: RedisConnection,
  kind: string,
  more: Partial<SharedRecordsOptions> = {},
): SharedRecordsOptions {
  return {
    connection,
    clock: new RealClock(),
    logger: new LogLines().logger,
    kind,
    schema: 1,
    pollMs: 1_000,
    restoreMs: 0,
    eventsKept: 50,
    ...more,
  };
}
