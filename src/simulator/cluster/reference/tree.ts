/** Which nodes there are. */
import { CHILDREN_MAX, NEVER, NODES_MAX } from '../../../coordination/twin/records.js';
import type { NodeState } from '../../../coordination/exchange/protocol.js';
import { endBusyPeriod } from './order.js';
import { activeChildren, isTree, type RefNode, type Reference } from './records.js';

const KEEP_US = 1_000_000;

export function makeNode(id: number, tag: string, home: RefNode | null, isInner: boolean, clockUs: number): RefNode {
  const vio = home === null ? 0 : home.v;
  return {
    ...{ id, tag, home, children: isInner ? [] : null, isSelf: false, shares: 100, selfShares: 100, revision: -1 },
    ...{ vio, floor: vio, deposit: 0, active: false, seq: 0, busy: false, idleSinceUs: NEVER },
    ...{ unusedSinceUs: clockUs, rows: [], turn: 0, v: 0, maxVio: 0, quietSinceUs: clockUs },
  };
}

function add(r: Reference, tag: string, home: RefNode, isInner: boolean, said: NodeState | undefined): RefNode {
  const node = makeNode((r.ids += 1), tag, home, isInner, r.clockUs);
  if (said !== undefined)
    Object.assign(node, { shares: said.shares, selfShares: said.selfShares, revision: said.revision });
  home.children!.push(node);
  r.nodes.push(node);
  return node;
}

/** The node that the tag names; its own requests may be carried by another one below it. */
export function nodeNamed(r: Reference, tag: string): RefNode | undefined {
  return r.nodes.find((node) => node.tag === tag && !node.isSelf);
}

/** The tags above a tag, the topmost first. */
function above(tag: string): string[] {
  const parts = tag.split('/');
  return parts.slice(1).map((_, i) => parts.slice(0, i + 1).join('/'));
}

/** @returns the leaf of the tag's own requests, made where it is missing; in words the bound that would pass */
export function leafOf(r: Reference, tag: string, nodes: readonly NodeState[]): RefNode | string {
  const known = nodeNamed(r, tag);
  if (known !== undefined && known.children === null) return known;
  const self = known?.children!.find((child) => child.isSelf);
  if (self !== undefined) return self;
  const bound = boundPassed(r, tag);
  if (bound !== '') return bound;
  if (known !== undefined) {
    const own = add(r, tag, known, false, undefined);
    own.isSelf = true;
    own.shares = known.selfShares;
    return own;
  }
  const said = (name: string): NodeState | undefined => nodes.findLast((node) => node.tag === name);
  let home = r.root;
  for (const name of isTree(r) ? above(tag) : []) {
    const there = nodeNamed(r, name);
    if (there === undefined) home = add(r, name, home, true, said(name));
    else home = there.children === null ? split(r, there) : there;
  }
  return add(r, tag, home, false, said(tag));
}

/** A leaf becomes the own requests of an inner node that stands where it stood. */
function split(r: Reference, leaf: RefNode): RefNode {
  const home = leaf.home!;
  const inner = add(r, leaf.tag, home, true, undefined);
  const { shares, selfShares, revision, vio, floor, deposit, active, seq, busy } = leaf;
  Object.assign(inner, { shares, selfShares, revision, vio, floor, deposit, active, seq, busy });
  home.children = home.children!.filter((child) => child !== leaf);
  inner.children = [leaf];
  Object.assign(leaf, { home: inner, isSelf: true, vio: 0, floor: 0, shares: selfShares });
  return inner;
}

function boundPassed(r: Reference, tag: string): string {
  const names = isTree(r) ? [...above(tag), tag].reverse() : [];
  const at = names.findIndex((name) => nodeNamed(r, name) !== undefined);
  const missing = at < 0 ? names.length : at;
  if (1 + r.nodes.length + missing + 2 > NODES_MAX) return `a device holds at most ${NODES_MAX} nodes of tags`;
  const parent = at < 0 ? r.root : nodeNamed(r, names[at]!)!;
  if ((parent.children?.length ?? 0) < CHILDREN_MAX) return '';
  return `${at < 0 ? 'a device' : `tag ${names[at]!}`} holds at most ${CHILDREN_MAX} children`;
}

function isUnused(node: RefNode): boolean {
  return node.children === null ? node.rows.length === 0 : node.children.length === 0;
}

/** Those unused longest are looked at; who owes nothing is forgotten. */
export function sweep(r: Reference, made: number): void {
  const due = r.nodes.filter((node) => isUnused(node) && r.clockUs - node.unusedSinceUs >= KEEP_US);
  due.sort((a, b) => a.unusedSinceUs - b.unusedSinceUs || a.id - b.id);
  for (const node of due.slice(0, 16 + 4 * made)) {
    if (!owesNothing(r, node)) {
      node.unusedSinceUs = r.clockUs;
      continue;
    }
    const home = node.home!;
    home.children = home.children!.filter((child) => child !== node);
    r.nodes = r.nodes.filter((each) => each !== node);
    if (home.children.length === 0) home.unusedSinceUs = r.clockUs;
  }
}

function owesNothing(r: Reference, node: RefNode): boolean {
  const home = node.home!;
  switch (r.settings.scheduler) {
    case 'fair':
      endBusyPeriod(r, home);
      return node.vio <= home.v;
    case 'stride': {
      const others = activeChildren(home).map(({ vio }) => vio);
      const sleptUs = r.clockUs - node.idleSinceUs;
      return sleptUs >= r.settings.stride.sleepMs * 1_000 && (others.length === 0 || node.vio <= Math.min(...others));
    }
    case 'fifo':
      return true;
  }
}
