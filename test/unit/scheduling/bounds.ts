/**
 * Holds a scheduler to both bounds of fairness, from the outside: it knows tags, shares and costs,
 * and nothing of counters.
 *
 * For siblings f, g backlogged throughout an interval in which neither's shares change, with
 * F = cmax_f/s_f and G = cmax_g/s_g:
 *   dispatched cost  |W_f/s_f - W_g/s_g| <= F + G + credit/s_f + credit/s_g
 *   completed cost   the same with (depth + 1) in front of F and G
 * An interval is any part of a time that both are backlogged in, so what is bounded is the span
 * (highest less lowest) of W_f/s_f - W_g/s_g over that time.
 *
 * A tag's own requests count for the child `.` of its node, whether or not it has other children.
 */
import type { NodeShares } from '../../../src/core/model/policy.js';

interface TreeNode {
  readonly path: string;
  shares: number;
  backlog: number;
  dispatched: number;
  completed: number;
  costMax: number;
}

interface Span {
  low: number;
  high: number;
}

interface Pair {
  readonly f: TreeNode;
  readonly g: TreeNode;
  open: boolean;
  readonly dispatched: Span;
  readonly completed: Span;
}

/** Counters are doubles: at the largest that histories reach an addition may be off by 1e-9 cost a share. */
const ROUNDING = 1e-6;

export class BoundsViolation extends Error {
  readonly bound: 'dispatched' | 'completed';

  constructor(bound: 'dispatched' | 'completed', pair: Pair, span: number, allowed: number) {
    super(`${bound} cost of ${pair.f.path} and ${pair.g.path} parted by ${span} cost a share, allowed ${allowed}`);
    this.bound = bound;
  }
}

export class BoundsChecker {
  private readonly nodes = new Map<string, TreeNode>();
  private readonly paths = new Map<string, TreeNode[]>();
  private readonly pairs: Pair[] = [];
  private readonly depth: number;
  private readonly credit: number;

  constructor(tags: readonly string[], depth: number, credit: number, sharesOf: (tag: string) => NodeShares) {
    this.depth = depth;
    this.credit = credit;
    const children = new Map<string, TreeNode[]>();
    for (const tag of tags) {
      const segments = tag.split('/');
      const names = segments.map((_, i) => segments.slice(0, i + 1).join('/'));
      this.paths.set(
        tag,
        [...names, `${tag}/.`].map((path, level) => {
          let node = this.nodes.get(path);
          if (node !== undefined) return node;
          const own = path.endsWith('/.');
          const shares = own ? sharesOf(tag).selfShares : sharesOf(path).shares;
          node = { path, shares, backlog: 0, dispatched: 0, completed: 0, costMax: 0 };
          this.nodes.set(path, node);
          const parent = level === 0 ? '' : names[level - 1]!;
          const siblings = children.get(parent) ?? [];
          for (const g of siblings) {
            this.pairs.push({
              f: node,
              g,
              open: false,
              dispatched: { low: 0, high: 0 },
              completed: { low: 0, high: 0 },
            });
          }
          children.set(parent, [...siblings, node]);
          return node;
        }),
      );
    }
  }

  arrived(tag: string, cost: number): void {
    for (const node of this.paths.get(tag)!) {
      node.backlog += 1;
      node.costMax = Math.max(node.costMax, cost);
    }
    this.openAndClose();
  }

  cancelled(tag: string): void {
    for (const node of this.paths.get(tag)!) node.backlog -= 1;
    this.openAndClose();
  }

  granted(tag: string, cost: number): void {
    for (const node of this.paths.get(tag)!) node.dispatched += cost;
    // Before the backlog goes down: the grant itself lies in the interval.
    this.check();
    this.cancelled(tag);
  }

  finished(tag: string, cost: number): void {
    for (const node of this.paths.get(tag)!) node.completed += cost;
    this.check();
  }

  sharesChanged(tag: string, shares: NodeShares): void {
    const changed = new Set<TreeNode>();
    for (const [path, value] of [
      [tag, shares.shares],
      [`${tag}/.`, shares.selfShares],
    ] as const) {
      const node = this.nodes.get(path);
      if (node === undefined) continue;
      node.shares = value;
      changed.add(node);
    }
    for (const pair of this.pairs) if (changed.has(pair.f) || changed.has(pair.g)) pair.open = false;
    this.openAndClose();
  }

  private openAndClose(): void {
    for (const pair of this.pairs) {
      const backlogged = pair.f.backlog > 0 && pair.g.backlog > 0;
      if (backlogged && !pair.open) {
        for (const bound of ['dispatched', 'completed'] as const) {
          pair[bound].low = pair[bound].high = apart(pair, bound);
        }
      }
      pair.open = backlogged;
    }
  }

  private check(): void {
    for (const pair of this.pairs) {
      if (!pair.open) continue;
      this.checkPair(pair, 'dispatched', 1);
      this.checkPair(pair, 'completed', this.depth + 1);
    }
  }

  private checkPair(pair: Pair, bound: 'dispatched' | 'completed', factor: number): void {
    const { f, g } = pair;
    const span = pair[bound];
    const now = apart(pair, bound);
    span.low = Math.min(span.low, now);
    span.high = Math.max(span.high, now);
    const allowed =
      (factor * f.costMax + this.credit) / f.shares + (factor * g.costMax + this.credit) / g.shares + ROUNDING;
    if (span.high - span.low > allowed) throw new BoundsViolation(bound, pair, span.high - span.low, allowed);
  }
}

function apart(pair: Pair, bound: 'dispatched' | 'completed'): number {
  return pair.f[bound] / pair.f.shares - pair.g[bound] / pair.g.shares;
}
