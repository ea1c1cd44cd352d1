/** Histories of the exchange for whatever answers calls: the twin, the Lua, or both. */
import type { Rng } from '../../src/core/ports.js';
import type { ExchangeCall, ExchangeReply } from '../../src/coordination/exchange/protocol.js';
import type { Surroundings } from '../../src/coordination/twin/exchange.js';
import { history, type HistoryOptions } from '../../src/simulator/cluster/history.js';
import type { ModelHost } from '../../src/simulator/cluster/model-host.js';

export type { HistoryOptions } from '../../src/simulator/cluster/history.js';
export { ModelHost, type ModelPolicies } from '../../src/simulator/cluster/model-host.js';

/** Where the calls of a history go. */
export type Exchange = (call: ExchangeCall, around: Surroundings) => ExchangeReply | Promise<ExchangeReply>;

export interface Run
  extends Omit<HistoryOptions, 'leaseMs' | 'stepUs'>, Partial<Pick<HistoryOptions, 'leaseMs' | 'stepUs'>> {
  /** Called where the state is to be lost. */
  readonly flush?: () => void | Promise<void>;
  readonly afterStep?: (hosts: readonly ModelHost[]) => void;
}

export async function runHistory(rng: Rng, exchange: Exchange, options: Run): Promise<void> {
  const wishes = history(rng, { leaseMs: 200, stepUs: 2_000, ...options });
  for (let next = wishes.next(null); next.done !== true;) {
    const wish = next.value;
    let reply: ExchangeReply | null = null;
    if (wish.kind === 'call') reply = await exchange(wish.call, wish.around);
    else if (wish.kind === 'flush') await options.flush!();
    else options.afterStep?.(wish.hosts);
    next = wishes.next(reply);
  }
}
