import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Flow } from '../../../src/core/flow.js';
import { IdleFlows } from '../../../src/core/idle-flows.js';
import type { UsageAccount } from '../../../src/core/model/usage.js';

const ACCOUNT: UsageAccount = { record: () => undefined };

test('the longest idle is taken first, whoever joins and leaves meanwhile', () => {
  const step = fc.record({ kind: fc.constantFrom('add', 'remove', 'take'), which: fc.nat(5) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const flows = Array.from({ length: 6 }, (_, i) => new Flow(`t${String(i)}`, ACCOUNT));
      const idle = new IdleFlows();
      let model: Flow[] = [];
      for (const { kind, which } of steps) {
        const flow = flows[which]!;
        if (kind === 'take') expect(idle.takeOldest()).toBe(model.shift() ?? null);
        else if (kind === 'remove') {
          idle.remove(flow);
          model = model.filter((other) => other !== flow);
        } else {
          idle.add(flow);
          if (!model.includes(flow)) model.push(flow);
        }
        expect(idle.size).toBe(model.length);
      }
      for (const flow of model) expect(idle.takeOldest()).toBe(flow);
      expect(idle.takeOldest()).toBeNull();
    }),
  );
});
