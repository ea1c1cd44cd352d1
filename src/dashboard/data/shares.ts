/**
 * The part of a device that each tag is owed while all of `tags` want it: shares among siblings,
 * level by level. A tag that is a leaf and a parent has its own requests in an implicit child,
 * `acme/.`, which weighs self_shares.
 */
import type { Policy } from './api.js';

const SHARES_DEFAULT = 100;
const SELF = '.';

export interface Weights {
  readonly shares: number;
  readonly selfShares: number;
}

/** The policies of one device over those of all devices, field by field. */
export class PoliciesInForce {
  private readonly own = new Map<string, Policy>();
  private readonly any = new Map<string, Policy>();

  constructor(policies: readonly Policy[], device: string) {
    for (const policy of policies) {
      if (policy.device === device) this.own.set(policy.tag, policy);
      else if (policy.device === '*') this.any.set(policy.tag, policy);
    }
  }

  get tags(): string[] {
    return [...new Set([...this.own.keys(), ...this.any.keys()])];
  }

  weights(tag: string): Weights {
    const own = this.own.get(tag);
    const any = this.any.get(tag);
    return {
      shares: own?.shares ?? any?.shares ?? SHARES_DEFAULT,
      selfShares: own?.selfShares ?? any?.selfShares ?? SHARES_DEFAULT,
    };
  }
}

/** Which tag and field of its policy a row of usage is steered by. */
export function steeredBy(tag: string): { tag: string; field: 'shares' | 'selfShares' } {
  return tag.endsWith(`/${SELF}`) ? { tag: tag.slice(0, -2), field: 'selfShares' } : { tag, field: 'shares' };
}

interface Node {
  readonly children: Map<string, Node>;
  weight: number;
  leaf: string | null;
}

/** @returns by tag, fractions that sum to 1 */
export function owedShares(tags: readonly string[], policies: PoliciesInForce): Map<string, number> {
  const root: Node = { children: new Map(), weight: 1, leaf: null };
  for (const tag of tags) {
    const segments = tag.split('/');
    if (segments.at(-1) === SELF) segments.pop();
    let at = root;
    for (let i = 0; i < segments.length; i++) {
      let next = at.children.get(segments[i]!);
      if (next === undefined) {
        next = { children: new Map(), weight: policies.weights(segments.slice(0, i + 1).join('/')).shares, leaf: null };
        at.children.set(segments[i]!, next);
      }
      at = next;
    }
    at.leaf = tag;
  }
  const owed = new Map<string, number>();
  const visit = (node: Node, path: string, part: number): void => {
    const self = node.leaf !== null && node.children.size > 0 ? policies.weights(path).selfShares : 0;
    let sum = self;
    for (const child of node.children.values()) sum += child.weight;
    if (node.leaf !== null) owed.set(node.leaf, node.children.size === 0 ? part : (part * self) / sum);
    for (const [segment, child] of node.children) {
      visit(child, path === '' ? segment : `${path}/${segment}`, (part * child.weight) / sum);
    }
  };
  visit(root, '', 1);
  return owed;
}
