/** Shares that the state has to hear of: of all nodes above a row that opens, and of nodes that changed. */
import { parentTag } from '../../core/model/tag.js';
import type { SharesOf } from '../../core/ports.js';
import type { NodeState, RowState } from './protocol.js';

/** Most changed nodes that one call tells of; those of rows that it opens come on top. */
const CHANGED_PER_CALL = 1_000;

export class NodeNews {
  readonly #sharesOf: SharesOf;
  readonly #revision: () => number;
  readonly #changed = new Set<string>();

  constructor(sharesOf: SharesOf, revision: () => number) {
    this.#sharesOf = sharesOf;
    this.#revision = revision;
  }

  changed(tag: string): void {
    this.#changed.add(tag);
  }

  /** What a call tells besides these rows. */
  take(rows: readonly RowState[]): NodeState[] {
    const told = new Set<string>();
    for (const { tag: rowTag } of rows) {
      if (rowTag === '') continue;
      for (let tag: string | null = rowTag; tag !== null && !told.has(tag); tag = parentTag(tag)) told.add(tag);
    }
    let changed = 0;
    for (const tag of this.#changed) {
      if (changed++ === CHANGED_PER_CALL) break;
      told.add(tag);
      this.#changed.delete(tag);
    }
    const nodes: NodeState[] = [];
    if (told.size === 0) return nodes;
    const revision = this.#revision();
    for (const tag of told) {
      const { shares, selfShares } = this.#sharesOf(tag);
      nodes.push({ tag, shares, selfShares, revision });
    }
    return nodes;
  }

  /** The call that told of them was not taken in, for all that is known. */
  untold(nodes: readonly NodeState[]): void {
    for (const { tag } of nodes) this.#changed.add(tag);
  }
}
