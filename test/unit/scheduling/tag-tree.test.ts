/** What the tree holds, forgets and refuses. */
import { describe, expect, test } from 'vitest';
import { SluiceError } from '../../../src/core/model/errors.js';
import type { AlgorithmContext } from '../../../src/core/scheduling/algorithm.js';
import { FairAlgorithm } from '../../../src/core/scheduling/fair.js';
import { TREE_BOUNDS, type TreeBounds } from '../../../src/core/scheduling/tag-tree.js';
import { Stand } from './stand.js';

function makeFair(context: AlgorithmContext): FairAlgorithm {
  return new FairAlgorithm(context);
}

function bounded(bounds: Partial<TreeBounds>): (context: AlgorithmContext) => FairAlgorithm {
  return (context) => new FairAlgorithm(context, { ...TREE_BOUNDS, ...bounds });
}

/** Code and message of the error that `run` ends with. */
function refusal(run: () => void): string {
  try {
    run();
  } catch (error) {
    if (error instanceof SluiceError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'not refused';
}

describe('nodes of the tag tree', () => {
  test('are forgotten once they owe nothing: a million tags in turn leave few behind', () => {
    const view = { op: 1, offset: 0, lengthBytes: 0, cost: 1, arrivedNs: 0, sequence: 0 } as const;
    const context: AlgorithmContext = {
      settings: new Stand(makeFair).settings,
      sharesOf: () => ({ shares: 100, selfShares: 100 }),
      heads: { head: () => view },
    };
    for (const nameOf of [(i: number) => `tag${i}`, (i: number) => `tenant${i % 1_000}/app${i}`]) {
      const algorithm = new FairAlgorithm(context);
      const steady = algorithm.open('steady', 0);
      algorithm.arrived(steady, view, 0);
      let most = 0;
      for (let i = 0; i < 500_000; i++) {
        algorithm.arrived(algorithm.open(nameOf(i), 0), view, 0);
        for (let turn = 0; turn < 2; turn++) {
          const next = algorithm.next();
          if (next.kind !== 'grant') throw new Error('two tags have work');
          const { leaf } = next;
          algorithm.finished(leaf, view, 0, 0);
          if (leaf === steady) algorithm.arrived(steady, view, 0);
        }
        most = Math.max(most, algorithm.nodeCount);
      }
      expect(most).toBeLessThan(5_000);
    }
  });

  test('are not forgotten in debt: no coming and going of others clears it', () => {
    const waitOfDebtor = (passersBy: number): number => {
      const stand = new Stand(makeFair, { fair: { idleResetMs: 3_600_000 } });
      stand.arriveMany('steady', 1_000);
      stand.arrive('debtor', 100);
      while (stand.waiting('debtor') > 0) stand.serve(1);
      for (let i = 0; i < passersBy; i++) stand.algorithm.open(`passer-by${i}`, 0);
      stand.arriveMany('debtor', 50);
      return stand.serve(300).indexOf('debtor');
    };
    expect(waitOfDebtor(0)).toBeGreaterThanOrEqual(99);
    expect(waitOfDebtor(10_000)).toBe(waitOfDebtor(0));
  });

  test('past the bound of a device are refused, and the tree is as it was', () => {
    const stand = new Stand(bounded({ nodesMax: 4 }));
    stand.arrive('a/b/c');
    stand.arrive('d');
    expect(stand.algorithm.nodeCount).toBe(4);
    for (const tag of ['e', 'a/x', 'd/x', 'a']) {
      expect(refusal(() => stand.algorithm.open(tag, 0))).toBe(
        `QUEUE_FULL: a device holds at most 4 nodes of tags; tag "${tag}" would pass that`,
      );
    }
    expect(stand.algorithm.nodeCount).toBe(4);
    expect(stand.serve(3)).toEqual(['a/b/c', 'd']);
  });

  test('past the bound of a parent are refused by its name; other parents have room', () => {
    const stand = new Stand(bounded({ childrenMax: 2 }));
    stand.arrive('a/1');
    stand.arrive('a/2');
    expect(refusal(() => stand.algorithm.open('a/3', 0))).toContain('QUEUE_FULL: tag a holds at most 2 children');
    stand.arrive('b/1');
    expect(refusal(() => stand.algorithm.open('c', 0))).toContain('QUEUE_FULL: a device holds at most 2 children');
    expect(stand.serve(5)).toHaveLength(3);
  });
});
