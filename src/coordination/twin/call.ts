/** What one call works on: the state, the caller, and what is told to others afterwards. */
import type { DeviceState, Host, Meta, Node } from './records.js';

export interface Call {
  readonly state: DeviceState;
  readonly meta: Meta;
  /** Living hosts by the number of their epoch. */
  readonly byUid: Map<number, Host>;
  /** Hosts to be nudged. */
  readonly nudges: string[];
}

export function beginCall(state: DeviceState): Call {
  const byUid = new Map<number, Host>();
  for (const host of state.meta.hosts) byUid.set(host.uid, host);
  return { state, meta: state.meta, byUid, nudges: [] };
}

/** The node of a number that is in use. */
export function nodeOf(c: Call, id: number): Node {
  const node = c.state.nodes.get(id);
  if (node === undefined) throw new Error(`node ${id} is not there`);
  return node;
}

/** Whether charges are in cost units; the baselines count requests. */
export function chargesCost(c: Call): boolean {
  return c.meta.settings.scheduler === 'fair';
}

/** Whether tags compete as a tree; in the baselines each full tag stands for itself. */
export function isTree(c: Call): boolean {
  return c.meta.settings.scheduler === 'fair';
}

/** Whether the oldest request goes first, whoever it is for. */
export function ordersByAge(c: Call): boolean {
  return c.meta.settings.scheduler === 'fifo';
}

export function nudge(c: Call, host: Host): void {
  if (host.nudged) return;
  host.nudged = true;
  c.nudges.push(host.id);
}
