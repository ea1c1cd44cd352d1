/** The twin's state in the form in which it is compared with what the Lua stored. */
import type { DeviceState, Node, Row } from '../../src/coordination/twin/records.js';

export function twinDump(state: DeviceState | null): unknown {
  if (state === null) return null;
  const { meta } = state;
  const { settings: s, hosts, remains, ...rest } = meta;
  return sorted({
    meta: {
      ...rest,
      settings: [
        ...[s.scheduler, s.depth, s.fair.credit, s.fair.idleResetMs],
        ...[s.stride.globalShares, s.stride.sleepMs, s.stride.threshold, s.stride.sleepRule],
      ],
      hosts: hosts.map((h) => [
        ...[h.id, h.uid, h.epoch, h.n, h.leaseEnd, h.exchangeUs, h.held, h.advance, h.advanceIdle, h.want, h.weight],
        ...[h.quotaHeld, h.confirmed, h.suspended, h.nudged, h.unfetched, h.unfetchedSince, h.unseen, h.rowsEnd],
      ]),
      remains: remains.map(({ uid, next }) => [uid, next]),
    },
    nodes: Object.fromEntries([...state.nodes.values()].map((node) => [node.id, twinNode(node)])),
    tags: Object.fromEntries(state.ids),
    rows: Object.fromEntries(
      [...state.rows].filter(([, rows]) => rows.size > 0).map(([uid, rows]) => [uid, Object.fromEntries(rows)]),
    ),
    orders: Object.fromEntries(
      [...state.active].filter(([, ids]) => ids.size > 0).map(([home, ids]) => [home, inOrder(state, ids)]),
    ),
    idle: [...state.idle].sort((a, b) => state.nodes.get(a)!.listedSince - state.nodes.get(b)!.listedSince || a - b),
    dormant: Object.fromEntries(state.dormant),
  });
}

function inOrder(state: DeviceState, ids: ReadonlySet<number>): number[] {
  const nodes = [...ids].map((id) => state.nodes.get(id)!);
  return nodes.sort((a, b) => a.vio - b.vio || a.seq - b.seq).map((node) => node.id);
}

function twinNode(node: Node): unknown {
  const { id, tag, home, inner, shares, selfShares, revision, vio, floor, deposit, active, seq, busy } = node;
  const common = { id, tag, home, inner, shares, selfShares, revision, vio, floor, deposit, active, seq, busy };
  if (!inner) {
    const { idleSince, listedSince, turn } = node;
    return { ...common, idleSince, listedSince, turn, rows: node.rows.map((row: Row) => ({ ...row })) };
  }
  const { listedSince, v, maxVio, quietSince, busyChildren, activeChildren, activeShares, children, self } = node;
  const below = { v, maxVio, quietSince, busyChildren, activeChildren, activeShares, children, self };
  return { ...common, listedSince, ...below };
}

/** Keys in order, and no minus before a zero, so that what is equal compares as equal. */
export function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return Object.fromEntries(entries.map(([key, each]) => [key, sorted(each)]));
  }
  return Object.is(value, -0) ? 0 : value;
}
