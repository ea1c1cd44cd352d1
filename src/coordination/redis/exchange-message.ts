/** A call of the exchange and its reply as lua/commands/exchange.lua reads and writes them. */
import type { Code, ErrorCode } from '../../core/model/errors.js';
import type {
  ExchangeCall,
  ExchangeReply,
  ExchangeStatus,
  NodeState,
  RowGrants,
  RowState,
} from '../exchange/protocol.js';
import { unpack, type Packed, type Packer } from './message-pack.js';

const US_PER_MS = 1_000;

/** The call but for its rows. */
export function packCall(packer: Packer, call: ExchangeCall): Buffer {
  packer.begin();
  packer.array(17);
  packer.text(call.device);
  packer.text(call.host);
  packer.text(call.kind);
  packer.text(call.incarnation);
  packer.number(call.epoch);
  packer.number(call.n);
  packer.number(call.acked);
  packer.number(call.leaseMs * US_PER_MS);
  packSettings(packer, call);
  packer.number(call.settingsRevision);
  packer.number(call.exchangeUs);
  packer.number(call.advance);
  packer.number(call.outageQuota);
  packer.number(call.hosts);
  packer.number(call.advanceIdle);
  packer.array(call.nodes.length);
  for (const node of call.nodes) packNode(packer, node);
  packNumbers(packer, call.forget);
  return packer.end();
}

function packSettings(packer: Packer, { settings }: ExchangeCall): void {
  packer.array(8);
  packer.text(settings.scheduler);
  packer.number(settings.depth);
  packer.number(settings.fair.credit);
  packer.number(settings.fair.idleResetMs);
  packer.number(settings.stride.globalShares);
  packer.number(settings.stride.sleepMs);
  packer.number(settings.stride.threshold);
  packer.text(settings.stride.sleepRule);
}

/**
 * All rows as one string, read by `struct` at the other end, which is far quicker than tables in
 * tables: eight doubles as the state keeps them, then tag, costs and ages, each with its length before it. Which
 * of them the scheduler in force asks for, the state knows and not the host.
 */
export function packRows(packer: Packer, rows: readonly RowState[]): Buffer {
  packer.begin();
  for (const row of rows) {
    packer.rawDouble(row.row);
    packer.rawDouble(row.backlog);
    packer.rawDouble(row.seen);
    packer.rawDouble(row.used);
    packer.rawDouble(row.handedBack);
    packer.rawDouble(row.advanced);
    packer.rawDouble(row.dispatchedCost);
    packer.rawDouble(row.finished);
    packer.rawText(row.tag);
    packer.rawWords(row.headCosts);
    packer.rawWords(row.headAgesUs);
  }
  return packer.end();
}

function packNode(packer: Packer, node: NodeState): void {
  packer.array(4);
  packer.text(node.tag);
  packer.number(node.shares);
  packer.number(node.selfShares);
  packer.number(node.revision);
}

function packNumbers(packer: Packer, numbers: readonly number[]): void {
  packer.array(numbers.length);
  for (const number of numbers) packer.number(number);
}

/** What the script answers, in its order. */
type ReplyFields = readonly [
  status: ExchangeStatus,
  code: Code,
  message: string,
  incarnation: string,
  epoch: number,
  granted: readonly number[],
  refused: readonly (readonly [row: number, code: ErrorCode, message: string])[],
  grantsMade: number,
  settling: boolean,
  advance: number,
  outageQuota: number,
  depth: number,
  slotsUsed: number,
  hosts: number,
  contended: boolean,
  againUs: number,
];

/** Row and total in turn. */
function grantsOf(numbers: readonly number[]): RowGrants[] {
  const grants: RowGrants[] = [];
  for (let i = 0; i < numbers.length; i += 2) grants.push({ row: numbers[i]!, granted: numbers[i + 1]! });
  return grants;
}

/**
 * @param bytes what the script answered: its own words, so their kinds are taken as they come
 * @throws SluiceError INTERNAL where they are no message
 */
export function unpackReply(bytes: Buffer, n: number, server: string): ExchangeReply {
  const fields: Packed | ReplyFields = unpack(bytes);
  const [status, code, message, incarnation, epoch, granted, refused, grantsMade, ...rest] = fields as ReplyFields;
  const [settling, advance, outageQuota, depth, slotsUsed, hosts, contended, againUs] = rest;
  return {
    status,
    code,
    message,
    incarnation,
    epoch,
    n,
    server,
    granted: grantsOf(granted),
    refusedRows: refused.map(([row, why, words]) => ({ row, code: why, message: words })),
    grantsMade,
    settling,
    advance,
    outageQuota,
    depth,
    slotsUsed,
    hosts,
    contended,
    againUs,
  };
}
