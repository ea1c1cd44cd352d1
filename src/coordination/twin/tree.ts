/** Which nodes a device's tree has: made for the rows that hosts open, forgotten when idle and owing nothing. */
import { isTree, nodeOf, type Call } from './call.js';
import { endBusyPeriod, lowestActiveVio, noteVio } from './order.js';
import { CHILDREN_MAX, NODES_MAX, NONE, ROOT, makeNode, type Node } from './records.js';

/** Idle nodes looked at in a call, and more for each that it made. */
const SWEEP = 16;
const SWEEP_FOR_EACH = 4;
/** A node is kept that long after it was last spoken of. */
const KEEP_US = 1_000_000;

/** Policies that came with the call, by tag. */
export type SharesByTag = ReadonlyMap<
  string,
  { readonly shares: number; readonly selfShares: number; readonly revision: number }
>;

export function parentOf(tag: string): string {
  const slash = tag.lastIndexOf('/');
  return slash < 0 ? '' : tag.slice(0, slash);
}

/** The leaf that carries the tag's own requests; undefined where there is none. */
function findLeaf(c: Call, tag: string): Node | undefined {
  const id = c.state.ids.get(tag);
  if (id === undefined) return undefined;
  const node = nodeOf(c, id);
  if (!node.inner) return node;
  return node.self === NONE ? undefined : nodeOf(c, node.self);
}

/** The leaf of a tag, made where it is missing; in words the bound that would pass. */
export function openLeaf(c: Call, tag: string, shares: SharesByTag): Node | string {
  const known = findLeaf(c, tag);
  if (known !== undefined) return known;
  const bound = boundPassed(c, tag);
  if (bound !== '') return bound;
  if (!isTree(c)) return addNode(c, tag, nodeOf(c, ROOT), false, shares);
  const inner = c.state.ids.get(tag);
  if (inner !== undefined) return addSelf(c, nodeOf(c, inner));
  return addNode(c, tag, homeFor(c, tag, shares), false, shares);
}

function boundPassed(c: Call, tag: string): string {
  let missing = 2;
  let above = isTree(c) ? tag : '';
  while (above !== '' && !c.state.ids.has(above)) {
    missing += 1;
    above = parentOf(above);
  }
  if (c.meta.nodes + missing > NODES_MAX) return `a device holds at most ${NODES_MAX} nodes of tags`;
  const parent = above === '' ? nodeOf(c, ROOT) : nodeOf(c, c.state.ids.get(above)!);
  if (parent.children >= CHILDREN_MAX) {
    return `${above === '' ? 'a device' : `tag ${above}`} holds at most ${CHILDREN_MAX} children`;
  }
  return '';
}

function addNode(c: Call, tag: string, home: Node, inner: boolean, shares: SharesByTag): Node {
  const node = place(c, tag, home, inner);
  const said = shares.get(tag);
  if (said !== undefined) {
    node.shares = said.shares;
    node.selfShares = said.selfShares;
    node.revision = said.revision;
  }
  c.state.ids.set(tag, node.id);
  return node;
}

function addSelf(c: Call, inner: Node): Node {
  const leaf = place(c, inner.tag, inner, false);
  leaf.shares = inner.selfShares;
  inner.self = leaf.id;
  return leaf;
}

/** A node at the time of its home: nothing owed either way. */
function place(c: Call, tag: string, home: Node, inner: boolean): Node {
  c.meta.nodeIds += 1;
  c.meta.nodes += 1;
  const node = makeNode(c.meta.nodeIds, tag, home.id, inner, home.v, c.meta.clockUs);
  c.state.nodes.set(node.id, node);
  if (inner) c.state.active.set(node.id, new Set());
  if (home.children === 0) unlist(c, home);
  home.children += 1;
  list(c, node);
  return node;
}

/** The inner node that a tag's node is to compete below; what is missing on the way is made. */
function homeFor(c: Call, tag: string, shares: SharesByTag): Node {
  const parent = parentOf(tag);
  if (parent === '') return nodeOf(c, ROOT);
  const id = c.state.ids.get(parent);
  if (id === undefined) return addNode(c, parent, homeFor(c, parent, shares), true, shares);
  const known = nodeOf(c, id);
  return known.inner ? known : makeParent(c, known);
}

/**
 * An inner node takes the place of `leaf`, with counter, floor, deposit and turn, so that no sibling
 * notices; the leaf goes below it as the node's own and starts at the new domain's time.
 */
function makeParent(c: Call, leaf: Node): Node {
  const home = nodeOf(c, leaf.home);
  const inner = place(c, leaf.tag, home, true);
  home.children -= 1;
  inner.shares = leaf.shares;
  inner.selfShares = leaf.selfShares;
  inner.revision = leaf.revision;
  inner.vio = leaf.vio;
  inner.floor = leaf.floor;
  inner.deposit = leaf.deposit;
  inner.active = leaf.active;
  inner.seq = leaf.seq;
  inner.busy = leaf.busy;
  inner.children = 1;
  inner.self = leaf.id;
  unlist(c, inner);
  c.state.ids.set(leaf.tag, inner.id);
  leaf.home = inner.id;
  leaf.vio = 0;
  leaf.floor = 0;
  leaf.shares = inner.selfShares;
  if (leaf.busy) inner.busyChildren = 1;
  if (leaf.active) {
    inner.activeChildren = 1;
    inner.activeShares = leaf.shares;
    const above = c.state.active.get(home.id)!;
    above.delete(leaf.id);
    above.add(inner.id);
    c.state.active.get(inner.id)!.add(leaf.id);
  }
  return inner;
}

/** Nobody speaks of the node (any more). */
export function list(c: Call, node: Node): void {
  node.listedSince = c.meta.clockUs;
  c.state.idle.delete(node.id);
  c.state.idle.add(node.id);
}

export function unlist(c: Call, node: Node): void {
  c.state.idle.delete(node.id);
}

/** Forgets what it may among the nodes that were idle longest. */
export function sweep(c: Call, made: number): void {
  const most = SWEEP + SWEEP_FOR_EACH * made;
  const due: Node[] = [];
  for (const id of c.state.idle) {
    const node = nodeOf(c, id);
    if (c.meta.clockUs - node.listedSince < KEEP_US) break;
    due.push(node);
  }
  due.sort((a, b) => a.listedSince - b.listedSince || a.id - b.id);
  for (const node of due.slice(0, most)) {
    if (mayForget(c, node)) forget(c, node);
    else list(c, node);
  }
}

/** Owing nothing: whoever comes back under the name starts where this counter would be raised to. */
function mayForget(c: Call, node: Node): boolean {
  const home = nodeOf(c, node.home);
  switch (c.meta.settings.scheduler) {
    case 'fair':
      endBusyPeriod(c, home);
      return node.vio <= home.v;
    case 'stride':
      if (c.meta.clockUs - node.idleSince < c.meta.settings.stride.sleepMs * 1000) return false;
      return home.activeChildren === 0 || node.vio <= lowestActiveVio(c, home);
    case 'fifo':
      return true;
  }
}

function forget(c: Call, node: Node): void {
  const home = nodeOf(c, node.home);
  noteVio(home, node.vio);
  if (home.self === node.id) home.self = NONE;
  else c.state.ids.delete(node.tag);
  c.state.nodes.delete(node.id);
  c.state.idle.delete(node.id);
  c.state.active.delete(node.id);
  c.meta.nodes -= 1;
  home.children -= 1;
  if (home.children === 0 && home.id !== ROOT) list(c, home);
}
