/** `sluice serve --workers N`: N hosts behind one port, each of its own; one that dies is replaced, all drain at the end. */
import { spawnSync } from 'node:child_process';
import { get } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SluiceClient } from '../../../src/client/index.js';
import { CountedLoad } from '../../support/hosts.js';
import { RedisServer, canRedis, eventually } from '../../support/redis.js';
import { TestService } from '../../support/service.js';

const WORKERS = 3;
const CONFIG = `
devices: { disk0: { simulation: { kind: ssd, size_bytes: 1073741824 }, depth: 8 } }
coordination: { lease_ms: 1500 }
store_restore_ms: 0
`;

interface Told {
  readonly hostId: string;
  readonly hosts: readonly { readonly id: string; readonly mode: string }[];
}

/** One that is handed to a worker as that dies is never answered: clients have timeouts. */
const ANSWER_MS = 2_000;

/** Over a connection of its own, as each new one goes to the next worker. */
function whoAnswers(http: string): Promise<Told> {
  return new Promise((resolve, reject) => {
    const request = get(`http://${http}/v1/service`, { agent: false, timeout: ANSWER_MS }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => resolve(JSON.parse(text) as Told));
    });
    request.on('timeout', () => request.destroy(new Error('no answer')));
    request.on('error', reject);
  });
}

async function idsBehind(http: string): Promise<Set<string>> {
  const ids = new Set<string>();
  for (let look = 0; look < 4 * WORKERS; look++) ids.add((await whoAnswers(http)).hostId);
  return ids;
}

function childrenOf(pid: number): number[] {
  return spawnSync('pgrep', ['-P', String(pid)], { encoding: 'utf8' })
    .stdout.trim()
    .split('\n')
    .map(Number);
}

describe.skipIf(!canRedis)('workers', { timeout: 60_000 }, () => {
  let redis: RedisServer;
  let service: TestService;
  beforeAll(async () => {
    redis = await RedisServer.start();
    service = await TestService.start({
      config: CONFIG,
      args: ['--store', redis.url, '--workers', String(WORKERS)],
    });
  });
  afterAll(async () => {
    await service[Symbol.asyncDispose]();
    await redis[Symbol.asyncDispose]();
  });

  it('are hosts of their own, which connections are handed to in turn', async () => {
    // The ready file is written once all serve.
    const ids = await idsBehind(service.http);
    expect(ids.size).toBe(WORKERS);
    const welcomed = new Set<string>();
    const clients = [];
    for (let i = 0; i < WORKERS; i++) {
      const onConnection = (event: { kind: string; hostId?: string }): void => {
        if (event.kind === 'welcomed') welcomed.add(event.hostId!);
      };
      clients.push(await SluiceClient.connect(service.grpc, { onConnection }));
    }
    expect([...welcomed].sort()).toEqual([...ids].sort());
    await Promise.all(clients.map((client) => client.close()));
    // Each has an epoch in the state of the device, and knows of the others.
    await eventually('each is listed by all', async () => {
      const { hosts } = await whoAnswers(service.http);
      return hosts.length === WORKERS && hosts.every(({ id, mode }) => ids.has(id) && mode === 'coordinated')
        ? true
        : null;
    });
  });

  it('are replaced when they die; those who are left go on', async () => {
    const before = await idsBehind(service.http);
    const loads: CountedLoad[] = [];
    for (let i = 0; i < WORKERS; i++) loads.push(await CountedLoad.start(service.grpc, 'disk0', `tag${String(i)}`, 8));
    const children = childrenOf(service.child.pid!);
    expect(children).toHaveLength(WORKERS);
    process.kill(children[0]!, 'SIGKILL');
    const after = await eventually('another has taken its place', async () => {
      const ids = await idsBehind(service.http);
      return ids.size === WORKERS && [...ids].some((id) => !before.has(id)) ? ids : null;
    });
    expect([...after].filter((id) => before.has(id))).toHaveLength(WORKERS - 1);
    expect(childrenOf(service.child.pid!)).toHaveLength(WORKERS);
    expect(service.output.match(/a worker ended and is replaced/g)).toHaveLength(1);
    // Reads of the one that died were sent again to whoever was next.
    const served = loads.map(({ ok }) => ok);
    await eventually('all are served', () => (loads.every(({ ok }, i) => ok > served[i]! + 20) ? true : null));
    for (const load of loads) {
      await load.stop();
      expect([load.answered, load.repeated, load.failure]).toEqual([load.sent, 0, '']);
      await load.close();
    }
  });

  it('drain on SIGTERM, and leave nothing behind', async () => {
    const children = childrenOf(service.child.pid!);
    const ids = await idsBehind(service.http);
    const client = await SluiceClient.connect(service.grpc);
    const disk = await client.open('disk0', 'last');
    const answers = Array.from({ length: 32 }, (_, i) => disk.read(i * 4_096, 4_096));
    await answers[0];
    expect(await service.end('SIGTERM')).toBe(0);
    expect((await Promise.allSettled(answers)).filter(({ status }) => status === 'rejected')).toEqual([]);
    for (const pid of children) expect(() => process.kill(pid, 0)).toThrow('ESRCH');
    // They are off the list at once; one that was killed before may still be on it for some seconds.
    expect((await redis.admin.hkeys('sluice:hosts')).filter((id) => ids.has(id))).toEqual([]);
    client.destroy();
  });
});
