/**
 * Whether shares hold over all hosts together, seen at the disk.
 *
 * For siblings f and g (leaves or inner nodes) with shares s, of which something waits throughout and which
 * both were picked since, the cost that has ended keeps
 *
 *   |E_f/s_f - E_g/s_g| <= c/s_f + c/s_g + 4 D c max(1/s_f, 1/s_g)
 *
 * with c the largest cost of a request and D the depth. Why: let T be the true cost of all grants that were
 * made and not handed back. The state charges a grant by the head's cost where that was told, else by an
 * average, and settles it when it is told of; each such grant holds a slot, so at most D are not settled,
 * and each is off by at most c. f is picked only while its counter is not above g's: so with true costs it is
 * ahead of g by at most U = D c max(1/s_f, 1/s_g), plus c/s_f once that pick is charged; and g of f
 * likewise. So T_f/s_f - T_g/s_g moves by at most c/s_f + c/s_g + 2 U. What was granted and has not ended
 * holds a slot as well: E differs from T by at most U at either end.
 * (Deposits: core/scheduling/fair.ts. A credit, or a debt of a time when one of them did not wait, is over
 * once both were picked.)
 *
 * That is said of what the state grants by its order. So a comparison begins anew
 *   - where a node was passed over because all hosts that wait there held their part of the slots and a
 *     little more: how many slots a part needs depends on how long its requests take;
 *   - where something went on the advance or on an outage quota: it is charged when it is told;
 *   - where a refund was cut off at the floor (credit and debt of before it waited), or shares changed.
 * `stride` charges 1 a request: the same with costs of 1. `fifo` knows no shares: same-order.ts.
 */
import { isTree, slotsUsed, type RefNode, type Reference } from './reference/records.js';

/** Two siblings of which something has waited since. */
interface Pair {
  readonly nodes: readonly [RefNode, RefNode];
  /** Their places in the order: others once they have left it in between. */
  readonly seqs: readonly [number, number];
  readonly picked: [boolean, boolean];
  /** What had ended of both when both had been picked. */
  from: readonly [number, number] | null;
}

interface Ended {
  cost: number;
  count: number;
}

function add(to: Map<string, Ended>, tag: string, cost: number): void {
  let sum = to.get(tag);
  if (sum === undefined) to.set(tag, (sum = { cost: 0, count: 0 }));
  sum.cost += cost;
  sum.count += 1;
}

export class OrderWatch {
  /** Largest part of the bound that was seen, and how often it was looked at. */
  worst = 0;
  looks = 0;
  readonly #costMax: number;
  /** By tag: what has ended of its own requests; of its own and those of all below it. */
  readonly #own = new Map<string, Ended>();
  readonly #all = new Map<string, Ended>();
  #pairs = new Map<string, Pair>();

  /** @param costMax of one request */
  constructor(costMax: number) {
    this.#costMax = costMax;
  }

  /** A request has ended. */
  ended(tag: string, cost: number): void {
    add(this.#own, tag, cost);
    for (let at = tag.length; at > 0; at = tag.lastIndexOf('/', at - 1)) add(this.#all, tag.slice(0, at), cost);
  }

  /** Something happened that bounds do not reach over. */
  reset(): void {
    this.#pairs.clear();
  }

  /**
   * Some calls were taken in.
   * @param depth the highest that was in force lately
   * @returns what is broken, in words; '' where nothing is
   */
  look(r: Reference, depth: number): string {
    if (r.settings.scheduler === 'fifo') return '';
    const pairs = new Map<string, Pair>();
    const most = Math.max(depth, slotsUsed(r));
    for (const home of [r.root, ...r.nodes]) {
      const active = home.children?.filter((child) => child.active) ?? [];
      for (const [i, f] of active.entries()) {
        for (const g of active.slice(i + 1)) {
          const key = `${f.id} ${g.id}`;
          const pair = this.#goOn(key, f, g, r);
          pairs.set(key, pair);
          const broken = this.#compare(pair, r, most);
          if (broken !== '') return broken;
        }
      }
    }
    this.#pairs = pairs;
    r.picked.clear();
    r.disturbed.clear();
    return '';
  }

  /** The pair as it is now: the one of the last look, or one that begins. */
  #goOn(key: string, f: RefNode, g: RefNode, { picked, disturbed }: Reference): Pair {
    const before = this.#pairs.get(key);
    const same =
      before !== undefined &&
      before.nodes[0] === f &&
      before.nodes[1] === g &&
      before.seqs[0] === f.seq &&
      before.seqs[1] === g.seq &&
      !disturbed.has(f) &&
      !disturbed.has(g);
    // In which order things happened since the last look is not known: a pick before a pair began does not count.
    if (!same) return { nodes: [f, g], seqs: [f.seq, g.seq], picked: [false, false], from: null };
    if (picked.has(f)) before.picked[0] = true;
    if (picked.has(g)) before.picked[1] = true;
    return before;
  }

  #compare(pair: Pair, r: Reference, depth: number): string {
    const [f, g] = pair.nodes;
    if (!pair.picked[0] || !pair.picked[1]) return '';
    const now = [this.#ended(f, r), this.#ended(g, r)] as const;
    if (pair.from === null) {
      pair.from = now;
      return '';
    }
    const costMax = isTree(r) ? this.#costMax : 1;
    const [costF, costG] = [now[0] - pair.from[0], now[1] - pair.from[1]];
    const apart = Math.abs(costF / f.shares - costG / g.shares);
    const bound = costMax * (1 / f.shares + 1 / g.shares + (4 * depth) / Math.min(f.shares, g.shares));
    this.looks += 1;
    this.worst = Math.max(this.worst, apart / bound);
    if (apart <= bound) return '';
    return (
      `${f.tag} and ${g.tag} with shares ${f.shares} and ${g.shares} had cost ${costF} and ${costG} ` +
      `while both had work waiting: ${apart.toFixed(3)} apart, at most ${bound.toFixed(3)}`
    );
  }

  #ended(node: RefNode, r: Reference): number {
    const ended = (node.children === null ? this.#own : this.#all).get(node.tag);
    if (ended === undefined) return 0;
    return isTree(r) ? ended.cost : ended.count;
  }
}
