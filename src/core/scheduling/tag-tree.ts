/**
 * The tag tree of one device: which nodes there are, what their names and shares are, and when one
 * may be forgotten. What they are owed is fair.ts's.
 *
 * A tag may be a leaf and a parent. While `acme/db` is in the tree, requests of `acme` itself
 * belong to the leaf `acme/.`: it has the tag `acme`, is found by `self` of acme's domain, and
 * weighs self_shares. A leaf that becomes a parent keeps its number, as the caller holds it: it
 * moves down to be `acme/.`, and a new inner node takes its place, counter, shares and turn above.
 */
import { SluiceError } from '../model/errors.js';
import { parentTag } from '../model/tag.js';
import type { SharesOf } from '../ports.js';
import { Heaps } from './heaps.js';
import { DomainTable, NONE, NodeTable } from './node-table.js';

export interface TreeBounds {
  /** Most nodes of a device, inner ones included. */
  readonly nodesMax: number;
  /** Most children of a node. */
  readonly childrenMax: number;
}

export const TREE_BOUNDS: TreeBounds = { nodesMax: 1_000_000, childrenMax: 262_144 };

export const ROOT = 0;

/**
 * Places that the clock hand passes for each node made. With s steps a node, two turns of the hand
 * (the first clears the touch, the second forgets) take 2/s of the table in new nodes: nodes that
 * could be forgotten are never more than about half of all.
 */
const SWEEP_STEPS = 4;
/** The same where a bound is met: worth a longer look before a tag is refused. */
const SWEEP_STEPS_AT_BOUND = 1_024;

export class TagTree {
  readonly nodes = new NodeTable();
  readonly domains = new DomainTable();
  readonly heaps = new Heaps(this.nodes);
  /** Time without anything waiting or outstanding below a node that ends its busy period. */
  idleResetNs: number;
  private readonly ids = new Map<string, number>();
  private readonly sharesOf: SharesOf;
  private readonly bounds: TreeBounds;
  /** Next place that the sweep looks at. */
  private hand = 0;

  constructor(sharesOf: SharesOf, idleResetNs: number, bounds: TreeBounds) {
    this.sharesOf = sharesOf;
    this.idleResetNs = idleResetNs;
    this.bounds = bounds;
    this.createDomain(NONE, 0);
  }

  /**
   * The leaf that carries the tag's own requests.
   * @param last the leaf that did last, NONE where there was none
   * @throws SluiceError QUEUE_FULL naming the bound; the tree is as it was
   */
  open(tag: string, nowNs: number, last = NONE): number {
    const leaf = last !== NONE && this.isLeafOf(tag, last) ? last : this.find(tag);
    if (leaf === undefined) return this.add(tag, nowNs);
    this.nodes.touch(leaf);
    return leaf;
  }

  /** The node that the tag names, inner or leaf. */
  node(tag: string): number | undefined {
    return this.ids.get(tag);
  }

  /** Of a tag that is a parent too there is one node of its name that owns a domain, and one leaf. */
  private isLeafOf(tag: string, n: number): boolean {
    return this.nodes.tags[n] === tag && this.nodes.domain[n] === NONE;
  }

  private find(tag: string): number | undefined {
    const n = this.ids.get(tag);
    if (n === undefined) return undefined;
    const d = this.nodes.domain[n]!;
    if (d === NONE) return n;
    const self = this.domains.self[d]!;
    return self === NONE ? undefined : self;
  }

  private add(tag: string, nowNs: number): number {
    // Before anything is looked up: the sweep may forget an ancestor that has no children.
    this.sweep(SWEEP_STEPS, nowNs);
    if (this.bound(tag) !== null) this.sweep(SWEEP_STEPS_AT_BOUND, nowNs);
    const bound = this.bound(tag);
    if (bound !== null) throw new SluiceError('QUEUE_FULL', `${bound}; tag ${JSON.stringify(tag)} would pass that`);
    const inner = this.ids.get(tag);
    if (inner !== undefined) return this.addSelf(inner);
    const home = this.domainAbove(tag, nowNs);
    const leaf = this.addNode(tag, home, NONE, this.sharesOf(tag).shares);
    this.ids.set(tag, leaf);
    return leaf;
  }

  /** The bound that opening the tag would pass, in words; null where there is room. */
  private bound(tag: string): string | null {
    let missing = 1;
    let above = this.ids.has(tag) ? tag : parentTag(tag);
    while (above !== null && !this.ids.has(above)) {
      missing += 1;
      above = parentTag(above);
    }
    const parent = above === null ? NONE : this.ids.get(above)!;
    const d = parent === NONE ? ROOT : this.nodes.domain[parent]!;
    // A leaf that becomes a parent takes one node more, and has no children yet.
    if (d === NONE) missing += 1;
    if (this.nodes.live + missing > this.bounds.nodesMax) {
      return `a device holds at most ${this.bounds.nodesMax} nodes of tags`;
    }
    if (d !== NONE && this.domains.children[d]! >= this.bounds.childrenMax) {
      return `${above === null ? 'a device' : `tag ${above}`} holds at most ${this.bounds.childrenMax} children`;
    }
    return null;
  }

  private addSelf(inner: number): number {
    const d = this.nodes.domain[inner]!;
    const tag = this.nodes.tags[inner]!;
    const leaf = this.addNode(tag, d, NONE, this.sharesOf(tag).selfShares);
    this.domains.self[d] = leaf;
    return leaf;
  }

  private addNode(tag: string, home: number, domain: number, shares: number): number {
    this.domains.children[home]! += 1;
    return this.nodes.create(tag, home, domain, shares, this.domains.v[home]!);
  }

  private createDomain(owner: number, nowNs: number): number {
    const d = this.domains.create(owner, nowNs);
    this.heaps.create(d);
    return d;
  }

  /** The domain that the tag's node is to compete in; what is missing on the way is made. */
  private domainAbove(tag: string, nowNs: number): number {
    const parent = parentTag(tag);
    if (parent === null) return ROOT;
    const known = this.ids.get(parent);
    if (known !== undefined) {
      const d = this.nodes.domain[known]!;
      return d === NONE ? this.makeParent(known, nowNs) : d;
    }
    const home = this.domainAbove(parent, nowNs);
    const inner = this.addNode(parent, home, NONE, this.sharesOf(parent).shares);
    this.ids.set(parent, inner);
    const d = this.createDomain(inner, nowNs);
    this.nodes.domain[inner] = d;
    return d;
  }

  /**
   * Puts an inner node where `leaf` stands, and the leaf below it as `tag/.`. Counter, floor,
   * deposit, turn and place in the heap stay above with the inner node, so no sibling notices; the
   * leaf is alone below and starts at the new domain's time.
   */
  private makeParent(leaf: number, nowNs: number): number {
    const { nodes, domains, heaps } = this;
    const tag = nodes.tags[leaf]!;
    const home = nodes.home[leaf]!;
    const inner = nodes.create(tag, home, NONE, nodes.shares[leaf]!, nodes.vio[leaf]!);
    nodes.floor[inner] = nodes.floor[leaf]!;
    nodes.deposit[inner] = nodes.deposit[leaf]!;
    const d = this.createDomain(inner, nowNs);
    nodes.domain[inner] = d;
    this.ids.set(tag, inner);

    nodes.home[leaf] = d;
    nodes.vio[leaf] = 0;
    nodes.floor[leaf] = 0;
    nodes.shares[leaf] = this.sharesOf(tag).selfShares;
    domains.self[d] = leaf;
    domains.children[d] = 1;
    if (this.isBusyLeaf(leaf)) domains.busy[d] = 1;
    if (nodes.position[leaf]! !== NONE) {
      heaps.substitute(home, leaf, inner);
      heaps.push(d, leaf, 0, 0);
    }
    return d;
  }

  isBusyLeaf(leaf: number): boolean {
    return this.nodes.backlog[leaf]! > 0 || this.nodes.outstanding[leaf]! > 0;
  }

  /** Ends the domain's busy period if it has been idle long enough: old debts and credits end. */
  endBusyPeriod(d: number, nowNs: number): void {
    const { busy, idleSinceNs, v, maxVio } = this.domains;
    if (busy[d]! > 0 || nowNs - idleSinceNs[d]! < this.idleResetNs) return;
    if (maxVio[d]! > v[d]!) v[d] = maxVio[d]!;
  }

  /** Moves the clock hand on and forgets what it may on the way. */
  private sweep(steps: number, nowNs: number): void {
    const { nodes } = this;
    for (let i = Math.min(steps, nodes.end); i > 0; i--) {
      if (this.hand >= nodes.end) this.hand = 0;
      const n = this.hand++;
      if (nodes.isUsed(n) && !nodes.takeTouch(n) && this.mayForget(n, nowNs)) this.forget(n);
    }
  }

  /**
   * Idle, and owing nothing: whoever comes back under the name starts at v, where this counter
   * would be raised to. (While it is above v, the node is a debt that a new name must not shed.)
   */
  private mayForget(n: number, nowNs: number): boolean {
    const { nodes, domains } = this;
    const d = nodes.domain[n]!;
    if (d === NONE ? this.isBusyLeaf(n) : domains.children[d]! > 0) return false;
    const home = nodes.home[n]!;
    this.endBusyPeriod(home, nowNs);
    return nodes.vio[n]! <= domains.v[home]!;
  }

  private forget(n: number): void {
    const { nodes, domains } = this;
    const home = nodes.home[n]!;
    const d = nodes.domain[n]!;
    if (domains.self[home] === n) domains.self[home] = NONE;
    else this.ids.delete(nodes.tags[n]!);
    if (d !== NONE) {
      this.heaps.release(d);
      domains.remove(d);
    }
    domains.children[home]! -= 1;
    nodes.remove(n);
  }
}
