import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Heaps } from '../../../src/core/scheduling/heaps.js';

interface Entry {
  readonly id: number;
  key: number;
  readonly order: number;
}

const NODES = 60;
const key = fc.integer({ min: 0, max: 8 });
const operation = fc.record({
  kind: fc.constantFrom('push', 'push', 'push', 'pop', 'raiseTop', 'remove', 'update', 'level', 'rekey', 'substitute'),
  heap: fc.nat({ max: 2 }),
  pick: fc.nat({ max: 1_000 }),
  key,
});

/** Lists that are searched stand beside the heaps and must agree with them. */
class Model {
  readonly nodes = { position: new Int32Array(NODES).fill(-1) };
  readonly heaps = new Heaps(this.nodes);
  readonly lists: Entry[][] = [[], [], []];
  private order = 0;

  constructor() {
    for (let h = 0; h < 3; h++) this.heaps.create(h);
  }

  private first(list: readonly Entry[]): Entry {
    return list.reduce((best, entry) =>
      entry.key < best.key || (entry.key === best.key && entry.order < best.order) ? entry : best,
    );
  }

  private spare(pick: number): number | undefined {
    const spare = Array.from({ length: NODES }, (_, id) => id).filter((id) => this.nodes.position[id] === -1);
    return spare[pick % Math.max(1, spare.length)];
  }

  apply(kind: string, h: number, pick: number, to: number): void {
    const { heaps } = this;
    const list = this.lists[h]!;
    if (kind === 'push') {
      const id = this.spare(pick);
      if (id === undefined) return;
      list.push({ id, key: to, order: ++this.order });
      heaps.push(h, id, to, this.order);
      return;
    }
    const picked = list[pick % Math.max(1, list.length)];
    if (picked === undefined) return;
    const top = this.first(list);
    switch (kind) {
      case 'pop':
        heaps.pop(h);
        list.splice(list.indexOf(top), 1);
        return;
      case 'raiseTop':
        top.key += to;
        heaps.raiseTop(h, top.key);
        return;
      case 'remove':
        heaps.remove(h, picked.id);
        list.splice(list.indexOf(picked), 1);
        return;
      case 'update':
        picked.key = to;
        heaps.update(h, picked.id, to);
        return;
      case 'level':
        for (const entry of list) entry.key = to;
        heaps.level(h, to);
        return;
      case 'rekey': {
        const keys = new Float64Array(NODES);
        for (const entry of list) keys[entry.id] = entry.key -= to;
        heaps.rekey(h, keys);
        return;
      }
      default: {
        const id = this.spare(pick);
        if (id === undefined) return;
        heaps.substitute(h, picked.id, id);
        list[list.indexOf(picked)] = { ...picked, id };
      }
    }
  }

  check(): void {
    this.lists.forEach((list, h) => {
      expect(this.heaps.size(h)).toBe(list.length);
      if (list.length === 0) return;
      expect(this.heaps.top(h)).toBe(this.first(list).id);
      expect(this.heaps.topKey(h)).toBe(this.first(list).key);
    });
  }
}

describe('heaps', () => {
  test('agree with lists that are searched, however keys change and blocks move', () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 150, size: 'max' }), (operations) => {
        const model = new Model();
        for (const { kind, heap, pick, key: to } of operations) {
          model.apply(kind, heap, pick, to);
          model.check();
        }
        while (model.lists.some((list) => list.length > 0)) {
          for (let h = 0; h < 3; h++) model.apply('pop', h, 0, 0);
          model.check();
        }
        expect(model.nodes.position.every((slot) => slot === -1)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  test('use the blocks of released heaps again', () => {
    const nodes = { position: new Int32Array(64).fill(-1) };
    const heaps = new Heaps(nodes);
    for (let round = 0; round < 1_000; round++) {
      heaps.create(0);
      for (let id = 0; id < 64; id++) heaps.push(0, id, 64 - id, id);
      for (let id = 63; id >= 0; id--) {
        expect(heaps.top(0)).toBe(id);
        heaps.pop(0);
      }
      heaps.release(0);
    }
    expect(heaps.arenaSlots).toBeLessThanOrEqual(256);
  });
});
