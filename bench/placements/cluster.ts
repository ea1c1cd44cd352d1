/** Host processes on one Redis that bind the same disks, and an embedded service on disks like them. */
import { EqualUnits, hardDisk, SharedDisks, type SharedDisk } from '../shared-disk.js';
import { BenchRedis } from '../gate/server.js';
import { ServiceProcess } from '../../src/experiments/real/service-process.js';
import { GIB } from '../../src/core/model/units.js';

const SIZE_BYTES = 8 * GIB;

/** Tags by name, with their shares. */
export type Shares = Readonly<Record<string, number>>;

export interface DiskPlan {
  readonly name: string;
  /** The model of a hard disk, or milliseconds that each request takes, however many there are. */
  readonly medium: 'hdd' | number;
  readonly depth: number;
  readonly shares: Shares;
}

export class PlacementCluster implements AsyncDisposable {
  readonly hosts: readonly ServiceProcess[];
  readonly embedded: ServiceProcess;
  readonly #redis: BenchRedis;
  readonly #disks: readonly SharedDisks[];

  private constructor(
    redis: BenchRedis,
    disks: readonly SharedDisks[],
    hosts: readonly ServiceProcess[],
    embedded: ServiceProcess,
  ) {
    this.#redis = redis;
    this.#disks = disks;
    this.hosts = hosts;
    this.embedded = embedded;
  }

  static async start(hostCount: number, plans: readonly DiskPlan[]): Promise<PlacementCluster> {
    const redis = await BenchRedis.start();
    const [shared, own] = [await SharedDisks.start(), await SharedDisks.start()];
    for (const disks of [shared, own]) {
      for (const { name, medium } of plans) {
        disks.add(name, SIZE_BYTES, medium === 'hdd' ? hardDisk(SIZE_BYTES) : new EqualUnits(medium));
      }
    }
    const store = ['--store', `redis+unix://${redis.socket}`];
    const names = Array.from({ length: hostCount }, (_, i) => `host${String(i)}`);
    const [embedded, ...hosts] = await Promise.all([
      ServiceProcess.start(own.bindings('embedded') + devices(plans)),
      ...names.map((name) => ServiceProcess.start(shared.bindings(name) + devices(plans), store)),
    ]);
    return new PlacementCluster(redis, [shared, own], hosts, embedded);
  }

  sharedDisk(name: string): SharedDisk {
    return this.#disks[0]!.get(name)!;
  }

  /** The embedded service's. */
  ownDisk(name: string): SharedDisk {
    return this.#disks[1]!.get(name)!;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.embedded, ...this.hosts].map((host) => host.stop('SIGKILL')));
    await Promise.all(this.#disks.map((disks) => disks[Symbol.asyncDispose]()));
    await this.#redis[Symbol.asyncDispose]();
  }
}

function devices(plans: readonly DiskPlan[]): string {
  const policies = plans.flatMap(({ name, shares }) =>
    Object.entries(shares).map(([tag, each]) => `{ device: ${name}, tag: ${tag}, shares: ${String(each)} }`),
  );
  const each = plans.map(({ name, depth }) => `${name}: { binding: ${name}, depth: ${String(depth)} }`);
  return `devices: { ${each.join(', ')} }\npolicies: [ ${policies.join(', ')} ]\n`;
}
