/**
 * Who got what of a disk while all tags waited, counted at gRPC clients: of the hosts that share it, or of
 * the embedded store. It is counted from an answer of the tag with the fewest shares to another one of
 * that tag: where a time would begin and end anywhere between two of its answers, that alone would be
 * an error of one answer in the few that it gets.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { DiskPlan, PlacementCluster } from './cluster.js';
import { TagLoad } from './load.js';

/** Hosts that each tag's requests come in by, by number. */
export type Placement = Readonly<Record<string, readonly number[]>>;

export interface Measured {
  /** Requests that were served while it was counted, of all tags. */
  readonly served: number;
  readonly seconds: number;
  /** The largest |part of what was served / part of the shares - 1| over tags. */
  readonly shareError: number;
  /** Most requests at the disk at a time, from all hosts, and how many there were on average. */
  readonly most: number;
  readonly mean: number;
}

export interface Timing {
  readonly warmSeconds: number;
  readonly seconds: number;
  /** Requests that each tag keeps out, over all its hosts. */
  readonly outstanding: number;
}

/** Answers by tag, and what they were at the first and the last answer of one tag since it began to count. */
class Count {
  readonly #edge: string;
  readonly #tags: Map<string, number>;
  #began: ReadonlyMap<string, number> | null = null;
  #ended: ReadonlyMap<string, number> | null = null;
  #counting = false;
  all = 0;

  constructor({ shares }: DiskPlan) {
    const tags = Object.keys(shares);
    this.#edge = tags.reduce((least, tag) => (shares[tag]! < shares[least]! ? tag : least));
    this.#tags = new Map(tags.map((tag) => [tag, 0]));
  }

  begin(): void {
    this.#counting = true;
    this.all = 0;
  }

  readonly served = (tag: string): void => {
    this.#tags.set(tag, this.#tags.get(tag)! + 1);
    this.all += 1;
    if (!this.#counting || tag !== this.#edge) return;
    this.#ended = new Map(this.#tags);
    this.#began ??= this.#ended;
  };

  between(): Map<string, number> {
    if (this.#began === this.#ended) throw new Error(`too few requests of ${this.#edge} were served to count`);
    return new Map([...this.#ended!].map(([tag, total]) => [tag, total - this.#began!.get(tag)!]));
  }
}

/** @param placement null: the embedded store @throws Error where a request was not served */
export async function measure(
  cluster: PlacementCluster,
  plan: DiskPlan,
  placement: Placement | null,
  timing: Timing,
): Promise<Measured> {
  const disk = placement === null ? cluster.ownDisk(plan.name) : cluster.sharedDisk(plan.name);
  const count = new Count(plan);
  const loads = await Promise.all(starts(cluster, plan, placement, timing.outstanding, count.served));
  try {
    await sleep(timing.warmSeconds * 1_000);
    disk.restartCount();
    count.begin();
    const from = performance.now();
    await sleep(timing.seconds * 1_000);
    const seconds = (performance.now() - from) / 1_000;
    const failed = loads.find(({ failure }) => failure !== '');
    if (failed !== undefined) throw new Error(`a request of ${failed.tag} on ${plan.name} failed: ${failed.failure}`);
    const { most, mean } = disk;
    return { served: count.all, seconds, shareError: shareError(count.between(), plan), most, mean };
  } finally {
    for (const load of loads) load.stop();
    while (disk.outstanding > 0) await sleep(10);
  }
}

function starts(
  cluster: PlacementCluster,
  { name: device, shares }: DiskPlan,
  placement: Placement | null,
  outstanding: number,
  onServed: (tag: string) => void,
): Promise<TagLoad>[] {
  return Object.keys(shares).flatMap((tag) => {
    const at = placement === null ? [cluster.embedded] : placement[tag]!.map((host) => cluster.hosts[host]!);
    const each = Math.ceil(outstanding / at.length);
    return at.map(({ grpc }, i) => TagLoad.start(grpc, { device, tag, outstanding: each, seed: i + 1 }, onServed));
  });
}

function shareError(served: ReadonlyMap<string, number>, { shares }: DiskPlan): number {
  const total = sum(served.values());
  const all = sum(Object.values(shares));
  return Math.max(...[...served].map(([tag, each]) => Math.abs((each / total) * (all / shares[tag]!) - 1)));
}

function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
