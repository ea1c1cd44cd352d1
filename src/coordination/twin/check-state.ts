/** What holds between the records of a device's state, whatever was called in which order. */
import { rowHeld, rowWant } from './rows.js';
import type { DeviceState, Node } from './records.js';

function same(what: string, found: unknown, expected: unknown): void {
  if (found !== expected) throw new Error(`${what} is ${String(found)}, expected ${String(expected)}`);
}

/** @throws Error naming the first sum that does not hold */
export function checkState(state: DeviceState): void {
  checkHosts(state);
  same('nodes', state.nodes.size, state.meta.nodes);
  for (const node of state.nodes.values()) checkNode(state, node);
  for (const [tag, id] of state.ids) same(`the tag of node ${id}`, state.nodes.get(id)?.tag, tag);
  for (const id of state.idle) {
    const node = state.nodes.get(id)!;
    same(`idle node ${id} is in use`, node.rows.length > 0 || node.children > 0, false);
  }
}

function checkHosts(state: DeviceState): void {
  const { meta } = state;
  const gone = new Set(meta.remains.map((remains) => remains.uid));
  for (const uid of state.rows.keys()) {
    same(`epoch ${uid} known`, gone.has(uid) || meta.hosts.some((host) => host.uid === uid), true);
  }
  for (const host of meta.hosts) {
    if (!host.confirmed) continue;
    let held = 0;
    let want = 0;
    let weight = 0;
    for (const id of state.rows.get(host.uid)?.values() ?? []) {
      const row = state.nodes.get(id)!.rows.find((each) => each.uid === host.uid)!;
      held += rowHeld(row);
      want += rowWant(row);
      weight += row.weight;
    }
    same(`held by ${host.id}`, host.held, held);
    same(`wanted by ${host.id}`, host.want, want);
    same(`weight of ${host.id}`, host.weight, weight);
  }
}

function checkNode(state: DeviceState, node: Node): void {
  if (!node.inner) return;
  const children = [...state.nodes.values()].filter((child) => child.home === node.id);
  const active = children.filter((child) => child.active);
  same(`children of ${node.tag}`, node.children, children.length);
  same(`busy children of ${node.tag}`, node.busyChildren, children.filter((child) => child.busy).length);
  same(`active children of ${node.tag}`, node.activeChildren, active.length);
  const shares = active.reduce((sum, child) => sum + child.shares, 0);
  same(`active shares of ${node.tag}`, node.activeShares, shares);
  const order = state.active.get(node.id)!;
  same(`the order below ${node.tag}`, order.size, active.length);
  for (const child of active) same(`${child.tag} in the order`, order.has(child.id), true);
  if (node.home >= 0) {
    same(`${node.tag} active`, node.active, active.length > 0);
    same(`${node.tag} busy`, node.busy, node.busyChildren > 0);
  }
}
