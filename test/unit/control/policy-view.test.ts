import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PolicyView } from '../../../src/control/policy-view.js';
import { LocalPolicyStore } from '../../../src/coordination/local/policy-store.js';
import type { PolicyFields } from '../../../src/core/model/policy.js';
import { isWithin } from '../../../src/core/model/tag.js';

describe('PolicyView', () => {
  it('tells at once what the policies merge to, whatever was written in whatever order', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            device: fc.constantFrom('*', 'disk0', 'disk1'),
            tag: fc.constantFrom('a', 'a/b', 'c'),
            fields: fc.option(
              fc.record(
                { shares: fc.integer({ min: 1, max: 9 }), selfShares: fc.integer({ min: 1, max: 9 }) },
                { requiredKeys: [] },
              ),
            ),
          }),
          { maxLength: 25 },
        ),
        fc.nat(25),
        async (writes, startAfter) => {
          const store = new LocalPolicyStore();
          const view = new PolicyView(store);
          const changed: string[] = [];
          view.onChange((device, tag) => changed.push(`${device} ${tag}`));
          const set = new Map<string, PolicyFields>();
          for (const [i, { device, tag, fields }] of writes.entries()) {
            if (i === startAfter) await view.start();
            const key = `${device} ${tag}`;
            if (fields === null && !set.has(key)) continue;
            const told = changed.length;
            const { events } = await store.write([{ device, tag, fields, ifMatch: '' }], '');
            if (fields === null) set.delete(key);
            else set.set(key, fields);
            if (i >= startAfter) expect(changed.slice(told)).toEqual(events.map(() => key));
          }
          if (startAfter >= writes.length) await view.start();
          for (const device of ['disk0', 'disk1', 'unset']) {
            for (const tag of ['a', 'a/b', 'a/b/c', 'c', 'cc', 'd']) {
              const exact = set.get(`${device} ${tag}`);
              const any = set.get(`* ${tag}`);
              expect(view.sharesOf(device)(tag)).toEqual({
                shares: exact?.shares ?? any?.shares ?? 100,
                selfShares: exact?.selfShares ?? any?.selfShares ?? 100,
              });
              const known = [...set.keys()].some((key) => {
                const [of, ancestor] = key.split(' ');
                return (of === '*' || of === device) && isWithin(tag, ancestor!);
              });
              expect(view.isKnown(device, tag)).toBe(known);
            }
          }
        },
      ),
      { numRuns: 200 },
    ));

  it('is told no more once closed or stopped', async () => {
    const store = new LocalPolicyStore();
    const view = new PolicyView(store);
    await view.start();
    const told: string[] = [];
    const stop = view.onChange((_device, tag) => told.push(tag));
    await store.write([{ device: '*', tag: 'a', fields: {}, ifMatch: '' }], '');
    stop();
    await store.write([{ device: '*', tag: 'b', fields: {}, ifMatch: '' }], '');
    view.onChange((_device, tag) => told.push(tag));
    view.close();
    await store.write([{ device: '*', tag: 'c', fields: {}, ifMatch: '' }], '');
    expect(told).toEqual(['a']);
  });
});
