/** Redis as groups of servers: a master with a replica and Sentinels, a cluster of masters. */
import { RedisServer, eventually, freePort } from './redis.js';

/** A master, a replica of it, and three Sentinels that fail over when the master is gone for half a second. */
export class SentinelGroup implements AsyncDisposable {
  static readonly NAME = 'sluice-test';
  readonly servers: readonly RedisServer[];
  readonly sentinels: readonly RedisServer[];

  private constructor(servers: readonly RedisServer[], sentinels: readonly RedisServer[]) {
    this.servers = servers;
    this.sentinels = sentinels;
  }

  static async start(): Promise<SentinelGroup> {
    const master = await RedisServer.start({ tcp: true });
    const replica = await RedisServer.start({
      tcp: true,
      config: [`replicaof 127.0.0.1 ${String(master.port)}`, 'repl-diskless-sync-delay 0'],
    });
    await eventually('the replica is in step', async () =>
      /master_link_status:up/.test(await replica.admin.info('replication')) ? true : null,
    );
    const sentinels = await Promise.all(
      [1, 2, 3].map(() =>
        RedisServer.start({
          sentinel: true,
          config: [
            `sentinel monitor ${SentinelGroup.NAME} 127.0.0.1 ${String(master.port)} 2`,
            `sentinel down-after-milliseconds ${SentinelGroup.NAME} 500`,
            `sentinel failover-timeout ${SentinelGroup.NAME} 2000`,
          ],
        }),
      ),
    );
    const group = new SentinelGroup([master, replica], sentinels);
    await eventually('the Sentinels know each other and the replica', async () => {
      for (const sentinel of sentinels) {
        const [fields] = (await sentinel.admin.call('SENTINEL', 'masters')) as string[][];
        const of = (name: string): string | undefined => fields![fields!.indexOf(name) + 1];
        if (of('num-other-sentinels') !== '2' || of('num-slaves') !== '1') return null;
      }
      return true;
    });
    return group;
  }

  get url(): string {
    const hosts = this.sentinels.map(({ port }) => `127.0.0.1:${String(port)}`).join(',');
    return `redis+sentinel://${hosts}/${SentinelGroup.NAME}`;
  }

  /** The server that the Sentinels call master. */
  async master(): Promise<RedisServer> {
    const [, port] = (await this.sentinels[0]!.admin.call(
      'SENTINEL',
      'get-master-addr-by-name',
      SentinelGroup.NAME,
    )) as [string, string];
    return this.servers.find((server) => String(server.port) === port)!;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of [...this.sentinels, ...this.servers]) await server[Symbol.asyncDispose]();
  }
}

/** Three masters that share the slots between them. */
export class RedisCluster implements AsyncDisposable {
  readonly nodes: readonly RedisServer[];

  private constructor(nodes: readonly RedisServer[]) {
    this.nodes = nodes;
  }

  static async start(): Promise<RedisCluster> {
    const buses: number[] = [];
    const nodes: RedisServer[] = [];
    for (let made = 0; made < 3; made++) {
      const bus = await freePort();
      buses.push(bus);
      nodes.push(
        await RedisServer.start({
          tcp: true,
          persistent: true,
          config: [
            'cluster-enabled yes',
            `cluster-port ${String(bus)}`,
            'cluster-announce-ip 127.0.0.1',
            'cluster-node-timeout 1000',
            'cluster-require-full-coverage no',
          ],
        }),
      );
    }
    const bounds = [0, 5_461, 10_923, 16_384];
    for (const [index, node] of nodes.entries()) {
      await node.admin.call('CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1));
      await node.admin.call('CLUSTER', 'ADDSLOTSRANGE', bounds[index]!, bounds[index + 1]! - 1);
    }
    for (const [index, node] of nodes.entries()) {
      if (index > 0) await nodes[0]!.admin.call('CLUSTER', 'MEET', '127.0.0.1', node.port, buses[index]!);
    }
    await eventually('the cluster is whole', async () => {
      for (const node of nodes) {
        const info = (await node.admin.call('CLUSTER', 'INFO')) as string;
        if (!info.includes('cluster_state:ok') || !info.includes('cluster_slots_ok:16384')) return null;
      }
      return true;
    });
    return new RedisCluster(nodes);
  }

  get url(): string {
    return `redis+cluster://${this.nodes.map(({ port }) => `127.0.0.1:${String(port)}`).join(',')}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const node of this.nodes) await node[Symbol.asyncDispose]();
  }
}
