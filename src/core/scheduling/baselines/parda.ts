/**
 * `parda`: a window a host, set by latency and by the sum of the host's shares. Gulati, Ahmad and Waldspurger, "PARDA:
 * proportional allocation of resources for distributed storage access", FAST 2009, on which VMware's Storage I/O
 * Control is built.
 *
 *   w(t+1) = (1 - gamma) w(t) + gamma (L / L(t) * w(t) + beta)
 *
 * L(t) is the average latency that the host sees, smoothed; L the latency to be kept to; beta is in proportion to
 * shares, so that in balance, where all see one latency, windows are in proportion to shares. Within its
 * window a host sends in order of arrival: what its applications are to each other it does not know.
 *
 * A host is a tag here: this baseline is for experiments in which tags end at the virtual machine. It leaves a
 * slot empty over waiting work where windows are full, and learns in seconds.
 */
import type { RequestView } from '../../model/request.js';
import { NS_PER_MS, NS_PER_S } from '../../model/units.js';
import type { SharesOf } from '../../ports.js';
import type { AlgorithmContext, AlgorithmFactory, Heads, Next, SchedulingAlgorithm } from '../algorithm.js';
import { GrantAnswer, IDLE } from '../answers.js';
import { LEAVES_MAX, LeafTable } from '../leaf-table.js';

export interface PardaParameters {
  /** L. */
  readonly latencyNs: number;
  readonly gamma: number;
  /** beta of a host with the mean of all shares. */
  readonly beta: number;
  readonly windowMin: number;
  readonly windowMax: number;
  readonly everyNs: number;
  /** Part of the old average that an interval keeps. */
  readonly smoothing: number;
}

/**
 * The threshold of 25 ms is the one of the paper's experiments. The rest is ours, within the bounds that the paper gives
 * (gamma in (0, 1), beta > 0 and in proportion to shares): in balance w = beta / (1 - L / L(t)), and a beta of several
 * requests keeps windows near beta even where the drive serves one host sooner than another.
 */
export const PARDA: PardaParameters = {
  latencyNs: 25 * NS_PER_MS,
  gamma: 0.5,
  beta: 4,
  windowMin: 1,
  windowMax: 64,
  everyNs: NS_PER_S,
  smoothing: 0.5,
};

class PardaLeaves extends LeafTable {
  readonly hosts: Host[] = [];
  private readonly sharesOf: SharesOf;
  private readonly parameters: PardaParameters;

  constructor(sharesOf: SharesOf, parameters: PardaParameters, leavesMax: number) {
    super(leavesMax);
    this.sharesOf = sharesOf;
    this.parameters = parameters;
  }

  protected override made(leaf: number, tag: string): void {
    this.hosts[leaf] = {
      tag,
      shares: this.sharesOf(tag).shares,
      window: (this.parameters.windowMin + this.parameters.windowMax) / 2,
      latencyNs: 0,
      sumNs: 0,
      count: 0,
    };
  }

  protected override mayForget(): boolean {
    return true;
  }
}

interface Host {
  readonly tag: string;
  shares: number;
  window: number;
  /** Smoothed; 0 before the first interval. */
  latencyNs: number;
  /** Of the present interval. */
  sumNs: number;
  count: number;
}

export class PardaAlgorithm implements SchedulingAlgorithm {
  private readonly leaves: PardaLeaves;
  private readonly heads: Heads;
  private readonly parameters: PardaParameters;
  private readonly answer = new GrantAnswer();
  private intervalEndNs = -1;
  private readonly sharesOf: SharesOf;

  constructor(context: AlgorithmContext, parameters: PardaParameters, leavesMax = LEAVES_MAX) {
    this.leaves = new PardaLeaves(context.sharesOf, parameters, leavesMax);
    this.heads = context.heads;
    this.sharesOf = context.sharesOf;
    this.parameters = parameters;
  }

  open(tag: string, nowNs: number, last?: number): number {
    if (this.intervalEndNs < 0) this.intervalEndNs = nowNs + this.parameters.everyNs;
    return this.leaves.open(tag, nowNs, last);
  }

  arrived(leaf: number): void {
    this.leaves.backlog[leaf]! += 1;
    this.leaves.touch(leaf);
  }

  cancelled(leaf: number): void {
    this.leaves.backlog[leaf]! -= 1;
  }

  /** The oldest request of a host whose window has room: hosts send at once, and so in order of arrival. */
  next(): Next {
    const { leaves } = this;
    let oldest = -1;
    let sequence = Infinity;
    for (let leaf = 0; leaf < leaves.end; leaf++) {
      if (leaves.backlog[leaf] === 0 || leaves.outstanding[leaf]! >= Math.floor(leaves.hosts[leaf]!.window)) continue;
      const head = this.heads.head(leaf);
      if (head.sequence >= sequence) continue;
      sequence = head.sequence;
      oldest = leaf;
    }
    if (oldest < 0) return IDLE;
    leaves.backlog[oldest]! -= 1;
    leaves.outstanding[oldest]! += 1;
    this.answer.leaf = oldest;
    return this.answer;
  }

  finished(leaf: number, _request: RequestView, latencyNs: number, nowNs: number): void {
    this.leaves.outstanding[leaf]! -= 1;
    const host = this.leaves.hosts[leaf]!;
    host.sumNs += latencyNs;
    host.count += 1;
    if (nowNs < this.intervalEndNs) return;
    this.intervalEndNs = nowNs + this.parameters.everyNs;
    this.adjust();
  }

  handBack(leaf: number): void {
    this.leaves.outstanding[leaf]! -= 1;
  }

  sharesChanged(tag: string): void {
    const leaf = this.leaves.find(tag);
    if (leaf !== undefined) this.leaves.hosts[leaf]!.shares = this.sharesOf(tag).shares;
  }

  configure(): void {
    /* Its parameters are not a device's. */
  }

  private adjust(): void {
    const { leaves, parameters } = this;
    const hosts = leaves.hosts.filter((_, leaf) => leaves.isUsed(leaf));
    const meanShares = hosts.reduce((sum, { shares }) => sum + shares, 0) / hosts.length;
    const { gamma, smoothing, windowMin, windowMax } = parameters;
    for (const host of hosts) {
      if (host.count === 0) continue;
      const seenNs = host.sumNs / host.count;
      host.latencyNs = host.latencyNs === 0 ? seenNs : smoothing * host.latencyNs + (1 - smoothing) * seenNs;
      host.sumNs = 0;
      host.count = 0;
      const beta = (parameters.beta * host.shares) / meanShares;
      const aim = (parameters.latencyNs / host.latencyNs) * host.window + beta;
      host.window = Math.min(windowMax, Math.max(windowMin, (1 - gamma) * host.window + gamma * aim));
    }
  }
}

export function parda(parameters: PardaParameters = PARDA): AlgorithmFactory {
  return (context) => new PardaAlgorithm(context, parameters);
}
