import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventHeap } from '../../../src/core/media/event-heap.js';
import { FlushBarrier } from '../../../src/core/media/flush-barrier.js';

describe('EventHeap', () => {
  it('gives payloads by (time, order of pushing), however pushes and pops mix', () => {
    const action = fc.oneof(fc.nat(20), fc.constant(null));
    fc.assert(
      fc.property(fc.array(action, { maxLength: 400 }), (actions) => {
        const heap = new EventHeap();
        const model: { time: number; payload: number }[] = [];
        actions.forEach((time, payload) => {
          if (time !== null) {
            heap.push(time, payload);
            model.push({ time, payload });
          } else if (model.length > 0) {
            const first = model.reduce((a, b) => (b.time < a.time ? b : a));
            expect(heap.nextNs).toBe(first.time);
            expect(heap.pop()).toBe(first.payload);
            model.splice(model.indexOf(first), 1);
          }
          expect(heap.size).toBe(model.length);
        });
        if (model.length === 0) expect(heap.nextNs).toBe(Infinity);
      }),
    );
  });
});

describe('FlushBarrier', () => {
  it('ends each waiter when every page issued before it is programmed, in whatever order they are', () => {
    const action = fc.oneof(fc.constant('issue' as const), fc.constant('wait' as const), fc.nat(100));
    fc.assert(
      fc.property(fc.array(action, { maxLength: 200 }), (actions) => {
        const barrier = new FlushBarrier();
        const pages: { id: number; epoch: number }[] = [];
        const waiters = new Map<number, Set<number>>();
        const ended: number[] = [];
        let ids = 0;
        const program = (at: number): void => {
          const [page] = pages.splice(at, 1);
          for (const before of waiters.values()) before.delete(page!.id);
          barrier.programmed(page!.epoch, (slot) => ended.push(slot));
          const due = [...waiters].filter(([, before]) => before.size === 0).map(([slot]) => slot);
          expect(ended.splice(0).sort((a, b) => a - b)).toEqual(due.sort((a, b) => a - b));
          for (const slot of due) waiters.delete(slot);
        };
        for (const act of actions) {
          const id = ids++;
          if (act === 'issue') pages.push({ id, epoch: barrier.issued() });
          else if (act === 'wait') {
            const waits = barrier.wait(id);
            expect(waits).toBe(pages.length > 0);
            if (waits) waiters.set(id, new Set(pages.map((page) => page.id)));
          } else if (pages.length > 0) program(act % pages.length);
        }
        while (pages.length > 0) program(pages.length - 1);
        expect(waiters.size).toBe(0);
      }),
    );
  });
});
