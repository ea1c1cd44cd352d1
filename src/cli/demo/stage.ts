/** What the demo plays on: one service, or several hosts on a Redis and one file; all of it gone at the end. */
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SluiceClient } from '../../client/index.js';
import { RedisProcess } from './redis-process.js';
import { ServiceProcess } from '../../experiments/real/service-process.js';
import { DISK_BYTES, config } from './show.js';

/** Short, so that what a dead host held is the others' soon. */
const LEASE_MS = 1_500;

export class Stage {
  readonly hosts: ServiceProcess[] = [];
  /** One for each host, which knows the others too. */
  readonly clients: SluiceClient[] = [];
  #redis: RedisProcess | null = null;
  #folder = '';

  /** @throws SluiceError NOT_FOUND without redis-server where it is needed; what else keeps the hosts from listening */
  static async set(hosts: number): Promise<Stage> {
    const stage = new Stage();
    try {
      if (hosts === 1) await stage.#alone();
      else await stage.#shared(hosts);
      const addresses = stage.hosts.map(({ grpc }) => grpc);
      for (let i = 0; i < hosts; i++) {
        const ownFirst = [...addresses.slice(i), ...addresses.slice(0, i)];
        stage.clients.push(await SluiceClient.connect(ownFirst, { flushSpansHosts: hosts > 1 }));
      }
      return stage;
    } catch (error) {
      await stage.clear();
      throw error;
    }
  }

  /** kill -9. */
  async killLastHost(): Promise<void> {
    await this.hosts.pop()!.stop('SIGKILL');
  }

  async clear(): Promise<void> {
    for (const client of this.clients) client.destroy();
    await Promise.all(this.hosts.map((host) => host.stop()));
    await this.#redis?.stop();
    if (this.#folder !== '') rmSync(this.#folder, { recursive: true, force: true });
  }

  async #alone(): Promise<void> {
    this.hosts.push(await ServiceProcess.start(config(`simulation: { kind: hdd, size_bytes: ${String(DISK_BYTES)} }`)));
  }

  /** A simulated disk keeps its data in one host: hosts that share one need a file. */
  async #shared(hosts: number): Promise<void> {
    this.#redis = await RedisProcess.start();
    this.#folder = mkdtempSync(join(tmpdir(), 'sluice-demo-'));
    const disk = join(this.#folder, 'disk');
    writeFileSync(disk, '');
    truncateSync(disk, DISK_BYTES);
    const bindings = `bindings: { disk: { type: file, path: ${disk}, shared: true, delay: hdd } }\n`;
    const coordination = `coordination: { lease_ms: ${String(LEASE_MS)} }\n`;
    const each = bindings + coordination + config('binding: disk');
    const store = ['--store', this.#redis.url];
    const started = await Promise.allSettled(Array.from({ length: hosts }, () => ServiceProcess.start(each, store)));
    for (const outcome of started) if (outcome.status === 'fulfilled') this.hosts.push(outcome.value);
    for (const outcome of started) if (outcome.status === 'rejected') throw outcome.reason;
  }
}
