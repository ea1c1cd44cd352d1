/**
 * The part of a device that each tag is owed while all of `tags` want it: shares among siblings,
 * level by level. A tag that is a leaf and a parent has its own requests in an implicit child,
 * `acme/.`, which weighs self_shares.
 */
import { ANY_DEVICE, SHARES_DEFAULT, type NodeShares } from './policy.js';
import { SELF_SEGMENT } from './tag.js';

const SELF_SUFFIX = `/${SELF_SEGMENT}`;

/** One policy, as far as it says how much a tag is owed. */
export interface SharesSaid {
  readonly device: string;
  readonly tag: string;
  readonly shares?: number | undefined;
  readonly selfShares?: number | undefined;
}

/** The policies of one device over those of all devices, field by field. */
export class SharesInForce {
  private readonly own = new Map<string, SharesSaid>();
  private readonly any = new Map<string, SharesSaid>();

  constructor(policies: Iterable<SharesSaid>, device: string) {
    for (const policy of policies) {
      if (policy.device === device) this.own.set(policy.tag, policy);
      else if (policy.device === ANY_DEVICE) this.any.set(policy.tag, policy);
    }
  }

  /** Those that have a policy. */
  get tags(): string[] {
    return [...new Set([...this.own.keys(), ...this.any.keys()])];
  }

  of(tag: string): NodeShares {
    const own = this.own.get(tag);
    const any = this.any.get(tag);
    return {
      shares: own?.shares ?? any?.shares ?? SHARES_DEFAULT,
      selfShares: own?.selfShares ?? any?.selfShares ?? SHARES_DEFAULT,
    };
  }
}

/** Which tag's policy, and which field of it, steers a row of usage. */
export function steeredBy(tag: string): { tag: string; field: 'shares' | 'selfShares' } {
  return tag.endsWith(SELF_SUFFIX)
    ? { tag: tag.slice(0, -SELF_SUFFIX.length), field: 'selfShares' }
    : { tag, field: 'shares' };
}

interface Node {
  readonly children: Map<string, Node>;
  readonly weight: number;
  leaf: string | null;
}

/** @returns by tag, fractions that sum to 1 */
export function owedShares(tags: readonly string[], inForce: SharesInForce): Map<string, number> {
  const root: Node = { children: new Map(), weight: 1, leaf: null };
  for (const tag of tags) {
    const segments = steeredBy(tag).tag.split('/');
    let at = root;
    for (let i = 0; i < segments.length; i++) {
      let next = at.children.get(segments[i]!);
      if (next === undefined) {
        const weight = inForce.of(segments.slice(0, i + 1).join('/')).shares;
        at.children.set(segments[i]!, (next = { children: new Map(), weight, leaf: null }));
      }
      at = next;
    }
    at.leaf = tag;
  }
  const owed = new Map<string, number>();
  divide(root, '', 1, inForce, owed);
  return owed;
}

function divide(node: Node, path: string, part: number, inForce: SharesInForce, owed: Map<string, number>): void {
  const self = node.leaf !== null && node.children.size > 0 ? inForce.of(path).selfShares : 0;
  let sum = self;
  for (const child of node.children.values()) sum += child.weight;
  if (node.leaf !== null) owed.set(node.leaf, node.children.size === 0 ? part : (part * self) / sum);
  for (const [segment, child] of node.children) {
    divide(child, path === '' ? segment : `${path}/${segment}`, (part * child.weight) / sum, inForce, owed);
  }
}
