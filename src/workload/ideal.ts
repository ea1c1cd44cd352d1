/** What each of some backlogged tags is owed: shares down the tag tree. */
import { SELF_SEGMENT, parentTag } from '../core/model/tag.js';
import type { NodeShares } from '../core/model/policy.js';

/** The key of a node's parent: '' is the root. */
function parentOf(node: string): string {
  return node.endsWith(`/${SELF_SEGMENT}`) ? node.slice(0, -2) : (parentTag(node) ?? '');
}

/**
 * The part of a device, 0..1, that each tag gets while all are backlogged and nobody else is: at each
 * level of the tree its part among the nodes that have one of the tags at or below them. A tag that
 * has others below it stands for its implicit child, with selfShares.
 */
export function idealShares(tags: readonly string[], sharesOf: (tag: string) => NodeShares): number[] {
  const inner = new Set<string>();
  for (const tag of tags) for (let up = parentTag(tag); up !== null; up = parentTag(up)) inner.add(up);
  const leaves = tags.map((tag) => (inner.has(tag) ? `${tag}/${SELF_SEGMENT}` : tag));
  const weight = new Map<string, number>();
  const sums = new Map<string, number>();
  for (const leaf of leaves) {
    for (let node = leaf; node !== '' && !weight.has(node); node = parentOf(node)) {
      const own = node.endsWith(`/${SELF_SEGMENT}`) ? sharesOf(parentOf(node)).selfShares : sharesOf(node).shares;
      weight.set(node, own);
      sums.set(parentOf(node), (sums.get(parentOf(node)) ?? 0) + own);
    }
  }
  return leaves.map((leaf) => {
    let part = 1;
    for (let node = leaf; node !== ''; node = parentOf(node)) part *= weight.get(node)! / sums.get(parentOf(node))!;
    return part;
  });
}
