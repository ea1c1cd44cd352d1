/**
 * Whether shares hold over all hosts together, seen at the disk: for siblings that have work waiting
 * all the time, completed cost over shares stays within the bound of the algorithm, times what may be
 * on its way.
 */
import type { SharesOf } from '../../core/ports.js';

/** Waiting requests at each look that make a tag one that has work waiting all the time. */
const WAITING_MIN = 12;

interface Window {
  readonly tags: readonly [string, string];
  readonly from: readonly [number, number];
}

function parentOf(tag: string): string {
  return tag.slice(0, Math.max(0, tag.lastIndexOf('/')));
}

/** Node and those above it, up to the top. */
function pathOf(tag: string): string[] {
  const path: string[] = [];
  for (let at = tag; at !== ''; at = parentOf(at)) path.push(at);
  return path;
}

export class OrderWatch {
  /** Largest part of the bound that was seen. */
  worst = 0;
  readonly #sharesOf: SharesOf;
  readonly #costMax: number;
  readonly #cost = new Map<string, number>();
  /** Tags that were served since the last reset. */
  readonly #served = new Set<string>();
  readonly #windows = new Map<string, Window>();

  /** @param costMax of one request */
  constructor(sharesOf: SharesOf, costMax: number) {
    this.#sharesOf = sharesOf;
    this.#costMax = costMax;
  }

  /** A request has ended. */
  ended(tag: string, cost: number): void {
    for (const node of pathOf(tag)) this.#cost.set(node, (this.#cost.get(node) ?? 0) + cost);
    this.#served.add(tag);
  }

  /** Something happened that bounds do not reach over. */
  reset(): void {
    this.#windows.clear();
    this.#served.clear();
  }

  /**
   * A look.
   * @param waiting by tag, over all hosts
   * @returns what is broken, in words; '' where nothing is
   */
  look(waiting: ReadonlyMap<string, number>, depth: number): string {
    const nodes = [...waiting.keys()].filter((tag) => waiting.get(tag)! >= WAITING_MIN);
    // A tag that has tags below is its parent's child of that name and `acme/.` at once: left out.
    const leaves = nodes.filter((tag) => ![...waiting.keys()].some((other) => other.startsWith(`${tag}/`)));
    const open = new Set<string>();
    for (const f of leaves) {
      for (const g of leaves) {
        if (f >= g || parentOf(f) !== parentOf(g)) continue;
        const key = `${f} ${g}`;
        open.add(key);
        const broken = this.#compare(key, f, g, depth);
        if (broken !== '') return broken;
      }
    }
    for (const key of this.#windows.keys()) if (!open.has(key)) this.#windows.delete(key);
    return '';
  }

  #compare(key: string, f: string, g: string, depth: number): string {
    // Debts from before, such as of an outage that one of them was served in, are paid first.
    if (!this.#served.has(f) || !this.#served.has(g)) return '';
    const now = [this.#cost.get(f) ?? 0, this.#cost.get(g) ?? 0] as const;
    const window = this.#windows.get(key);
    if (window === undefined) {
      this.#windows.set(key, { tags: [f, g], from: now });
      return '';
    }
    const [sharesF, sharesG] = [this.#sharesOf(f).shares, this.#sharesOf(g).shares];
    const [costF, costG] = [now[0] - window.from[0], now[1] - window.from[1]];
    const apart = Math.abs(costF / sharesF - costG / sharesG);
    const bound = (3 * depth + 4) * this.#costMax * (1 / sharesF + 1 / sharesG);
    this.worst = Math.max(this.worst, apart / bound);
    if (apart <= bound) return '';
    return (
      `tags ${f} and ${g} with shares ${sharesF} and ${sharesG} had cost ${costF} and ${costG} ` +
      `while both had work waiting: ${apart.toFixed(3)} apart, at most ${bound.toFixed(3)}`
    );
  }
}
