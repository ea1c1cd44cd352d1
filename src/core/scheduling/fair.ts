/**
 * `fair`: hierarchical start-time fair queuing (Goyal, Vin, Cheng, SIGCOMM 1996) over the tag tree,
 * with any number of requests at the device at once.
 *
 * Each node has a counter vio = cost charged * SCALE / shares; each domain (the children of one
 * inner node) a virtual time v = the highest vio that a child was picked at. The child with the
 * lowest vio goes first, level by level; the charge comes after the pick.
 *
 * Why the bound holds. Let F = cmax_f * SCALE / shares_f for a child f. While f and g are both
 * active, vio_f - vio_g <= F: it grows only when f is charged, f is charged only while
 * vio_f <= vio_g, by at most F; and at activation vio_f <= v + F <= vio_g + F, as active children are
 * never below v. So vio_f - vio_g stays within [-G, F], and in any interval throughout which both
 * are active and no shares change, |W_f/shares_f - W_g/shares_g| <= (F + G) / SCALE.
 * A credit widens both ends by credit * SCALE / shares.
 *
 * The deposit. A node starts at v, so it could have its first request for nothing: a tag that took
 * a new name for each request would always stand at v, v would never move, and everybody else would
 * wait for ever. So a node pays in advance, once: when a request arrives or comes up
 * that costs more than any before it, the difference is added to vio before it may go. A new name then starts where
 * the old one would have stood after its last request. The bound stays as it is: deposits of f sum
 * to at most F in its life, and vio_f - vio_g <= deposit_f * SCALE / shares_f <= F throughout.
 * (Several names kept in use are several tags, each with its shares. What bounds them together is
 * the node above them.)
 */
import { NS_PER_MS } from '../model/units.js';
import type { DeviceSettings } from '../model/device.js';
import type { RequestView } from '../model/request.js';
import type { SharesOf } from '../ports.js';
import type { AlgorithmContext, Heads, Next, SchedulingAlgorithm } from './algorithm.js';
import { GrantAnswer, IDLE } from './answers.js';
import type { Heaps } from './heaps.js';
import { NONE, type DomainTable, type NodeTable } from './node-table.js';
import { ROOT, TREE_BOUNDS, TagTree, type TreeBounds } from './tag-tree.js';

/** Counter units that a cost of 1 is worth at 1 share: at the most shares, 10,000, one. */
const SCALE = 10_000;

/** Virtual time at which a domain's counters are taken back: ulp(2^40) = 2^-12, a 4,096th of the smallest charge. */
const RENORMALISE_AT = 2 ** 40;

export class FairAlgorithm implements SchedulingAlgorithm {
  private readonly tree: TagTree;
  // The tree's own, held here as well: one step less on the way of every request.
  private readonly nodes: NodeTable;
  private readonly domains: DomainTable;
  private readonly heaps: Heaps;
  private readonly heads: Heads;
  private readonly sharesOf: SharesOf;
  private readonly answer = new GrantAnswer();
  private credit: number;
  private activations = 0;

  constructor(context: AlgorithmContext, bounds: TreeBounds = TREE_BOUNDS) {
    const { credit, idleResetMs } = context.settings.fair;
    this.credit = credit;
    this.heads = context.heads;
    this.sharesOf = context.sharesOf;
    this.tree = new TagTree(context.sharesOf, idleResetMs * NS_PER_MS, bounds);
    this.nodes = this.tree.nodes;
    this.domains = this.tree.domains;
    this.heaps = this.tree.heaps;
  }

  /** Nodes of the tag tree, inner ones included. */
  get nodeCount(): number {
    return this.nodes.live;
  }

  configure(settings: DeviceSettings): void {
    this.credit = settings.fair.credit;
    this.tree.idleResetNs = settings.fair.idleResetMs * NS_PER_MS;
  }

  open(tag: string, nowNs: number, last?: number): number {
    return this.tree.open(tag, nowNs, last);
  }

  arrived(leaf: number, request: RequestView, nowNs: number): void {
    const { backlog } = this.nodes;
    const waiting = backlog[leaf]!;
    if (waiting === 0) {
      if (!this.tree.isBusyLeaf(leaf)) this.becameBusy(leaf, nowNs);
      this.activate(leaf, request.cost);
    }
    backlog[leaf] = waiting + 1;
  }

  cancelled(leaf: number, _request: RequestView, nowNs: number): void {
    const { nodes } = this;
    nodes.backlog[leaf]! -= 1;
    if (nodes.backlog[leaf]! > 0) return;
    this.deactivate(leaf);
    if (nodes.outstanding[leaf]! === 0) this.becameIdle(leaf, nowNs);
  }

  finished(leaf: number, _request: RequestView, _latencyNs: number, nowNs: number): void {
    const { outstanding, backlog } = this.nodes;
    const left = outstanding[leaf]! - 1;
    outstanding[leaf] = left;
    if (left === 0 && backlog[leaf]! === 0) this.becameIdle(leaf, nowNs);
  }

  next(): Next {
    const { nodes, heaps } = this;
    if (heaps.size(ROOT) === 0) return IDLE;
    const { domain, deposit } = nodes;
    for (;;) {
      let leaf = heaps.top(ROOT);
      let paid = deposit[leaf]!;
      for (let d = domain[leaf]!; d !== NONE; d = domain[leaf]!) {
        leaf = heaps.top(d);
        if (deposit[leaf]! < paid) paid = deposit[leaf]!;
      }
      const cost = this.heads.head(leaf).cost;
      // Each turn raises a deposit to this head's cost, so a request is passed over at most once a level.
      if (paid < cost) {
        this.payDeposits(leaf, cost);
        continue;
      }
      this.charge(leaf, cost);
      this.answer.leaf = leaf;
      return this.answer;
    }
  }

  /** Adds to each node of the path what it is short of for a request of this cost. */
  private payDeposits(leaf: number, cost: number): void {
    const { nodes, domains, heaps } = this;
    for (let n = leaf; n !== NONE; n = domains.owner[nodes.home[n]!]!) {
      if (nodes.deposit[n]! >= cost) continue;
      const vio = nodes.vio[n]! + ((cost - nodes.deposit[n]!) * SCALE) / nodes.shares[n]!;
      nodes.deposit[n] = cost;
      nodes.vio[n] = vio;
      this.noteVio(nodes.home[n]!, vio);
      heaps.raiseTop(nodes.home[n]!, vio);
    }
  }

  /** Charges the path from a leaf that stands first at every level; who has no backlog left leaves. */
  private charge(leaf: number, cost: number): void {
    const { nodes, domains, heaps } = this;
    const { vio, shares, home } = nodes;
    const waiting = nodes.backlog[leaf]! - 1;
    nodes.backlog[leaf] = waiting;
    nodes.outstanding[leaf]! += 1;
    let active = waiting > 0;
    for (let n = leaf; n !== NONE;) {
      const d = home[n]!;
      const before = vio[n]!;
      const after = before + (cost * SCALE) / shares[n]!;
      vio[n] = after;
      if (before > domains.v[d]!) domains.v[d] = before;
      if (active) {
        heaps.raiseTop(d, after);
      } else {
        this.noteVio(d, after);
        heaps.pop(d);
        active = heaps.size(d) > 0;
      }
      if (before > RENORMALISE_AT) this.renormalise(d);
      n = domains.owner[d]!;
    }
  }

  handBack(leaf: number, request: RequestView, nowNs: number): void {
    const { nodes, domains, heaps } = this;
    for (let n = leaf; n !== NONE; n = domains.owner[nodes.home[n]!]!) {
      const vio = Math.max(nodes.vio[n]! - (request.cost * SCALE) / nodes.shares[n]!, nodes.floor[n]!);
      nodes.vio[n] = vio;
      if (nodes.position[n]! !== NONE) heaps.update(nodes.home[n]!, n, vio);
    }
    this.finished(leaf, request, 0, nowNs);
  }

  sharesChanged(tag: string): void {
    const { nodes, domains } = this;
    const n = this.tree.node(tag);
    if (n === undefined) return;
    const { shares, selfShares } = this.sharesOf(tag);
    this.setShares(n, shares);
    const d = nodes.domain[n]!;
    if (d !== NONE && domains.self[d]! !== NONE) this.setShares(domains.self[d]!, selfShares);
  }

  /** Keeps the lag in service: what a node is ahead or behind, in cost units, stays what it was. */
  private setShares(n: number, shares: number): void {
    const { nodes, domains, heaps } = this;
    if (nodes.shares[n] === shares) return;
    const d = nodes.home[n]!;
    const v = domains.v[d]!;
    const ratio = nodes.shares[n]! / shares;
    const vio = v + (nodes.vio[n]! - v) * ratio;
    nodes.shares[n] = shares;
    nodes.floor[n] = v + (nodes.floor[n]! - v) * ratio;
    nodes.vio[n] = vio;
    this.noteVio(d, vio);
    if (nodes.position[n]! !== NONE) heaps.update(d, n, vio);
  }

  private noteVio(d: number, vio: number): void {
    const { maxVio } = this.domains;
    if (vio > maxVio[d]!) maxVio[d] = vio;
  }

  /**
   * Something waits below `leaf` again: it and its ancestors that were not active join their heaps.
   * Deposits for this request are paid on the way in, so that a crowd of new tags does not all
   * come up in one decision.
   */
  private activate(leaf: number, cost: number): void {
    const { nodes, domains, heaps } = this;
    for (let n = leaf; n !== NONE && nodes.position[n]! === NONE;) {
      const d = nodes.home[n]!;
      const floor = domains.v[d]! - (this.credit * SCALE) / nodes.shares[n]!;
      let vio = Math.max(nodes.vio[n]!, floor);
      if (nodes.deposit[n]! < cost) {
        vio += ((cost - nodes.deposit[n]!) * SCALE) / nodes.shares[n]!;
        nodes.deposit[n] = cost;
        this.noteVio(d, vio);
      }
      nodes.floor[n] = floor;
      nodes.vio[n] = vio;
      heaps.push(d, n, vio, ++this.activations);
      n = domains.owner[d]!;
    }
  }

  private deactivate(leaf: number): void {
    const { nodes, domains, heaps } = this;
    for (let n = leaf; n !== NONE;) {
      const d = nodes.home[n]!;
      this.noteVio(d, nodes.vio[n]!);
      heaps.remove(d, n);
      if (heaps.size(d) > 0) return;
      n = domains.owner[d]!;
    }
  }

  private becameBusy(leaf: number, nowNs: number): void {
    const { nodes, domains } = this;
    nodes.touch(leaf);
    for (let n = leaf; n !== NONE;) {
      const d = nodes.home[n]!;
      this.tree.endBusyPeriod(d, nowNs);
      domains.busy[d]! += 1;
      if (domains.busy[d]! > 1) return;
      n = domains.owner[d]!;
    }
  }

  private becameIdle(leaf: number, nowNs: number): void {
    const { nodes, domains } = this;
    for (let n = leaf; n !== NONE;) {
      const d = nodes.home[n]!;
      domains.busy[d]! -= 1;
      if (domains.busy[d]! > 0) return;
      domains.idleSinceNs[d] = nowNs;
      n = domains.owner[d]!;
    }
  }

  /** Sets the domain's time back to 0 and its counters with it; who is idle keeps at most its credit. */
  private renormalise(d: number): void {
    const { nodes, domains, heaps } = this;
    const v = domains.v[d]!;
    for (let n = 0; n < nodes.end; n++) {
      if (nodes.home[n] !== d || !nodes.isUsed(n)) continue;
      const credit = (this.credit * SCALE) / nodes.shares[n]!;
      nodes.floor[n] = Math.max(nodes.floor[n]! - v, -credit);
      nodes.vio[n] = Math.max(nodes.vio[n]! - v, -credit);
    }
    heaps.rekey(d, nodes.vio);
    domains.v[d] = 0;
    domains.maxVio[d] = Math.max(0, domains.maxVio[d]! - v);
  }
}

export function fair(context: AlgorithmContext): SchedulingAlgorithm {
  return new FairAlgorithm(context);
}
