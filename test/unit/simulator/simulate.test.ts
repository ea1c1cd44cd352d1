/** The service's own parts in virtual time: shares hold, and the same seed gives the same bytes. */
import { describe, expect, it } from 'vitest';
import { DEFAULT_SETTINGS, DEFAULT_SIMULATION } from '../../../src/core/model/device.js';
import type { SchedulerName, SimulationKind } from '../../../src/core/model/device.js';
import { simulate } from '../../../src/simulator/simulate.js';
import type { SimulationSpec } from '../../../src/simulator/simulate.js';
import { LoadSource } from '../../../src/workload/load-source.js';
import { parseLoadSpec } from '../../../src/workload/load-spec.js';
import type { StopRules } from '../../../src/workload/run.js';

function spec(
  kind: SimulationKind,
  tags: string[],
  stop: Partial<StopRules>,
  scheduler: SchedulerName = 'fair',
): SimulationSpec {
  const specs = tags.map(parseLoadSpec);
  return {
    device: 'disk0',
    simulation: { ...DEFAULT_SIMULATION, kind },
    settings: { ...DEFAULT_SETTINGS, scheduler },
    policies: specs.map(({ tag, shares }) => ({ tag, fields: { shares } })),
    tags: specs.map((each) => ({
      tag: each.tag,
      makeSource: ({ rng, ...device }) => new LoadSource(each, device, rng),
      pace: { kind: 'closed', outstanding: each.outstanding, thinkNs: each.thinkNs },
      requestsMax: each.requests,
    })),
    stop: { seconds: 0, untilCost: 0, ...stop },
  };
}

// Offered load against the shares.
const FIVE = [1, 2, 3, 4, 5].map(
  (n) => `t${String(n)}:shares=${String(n)},outstanding=${String(100 - 10 * n)},op=randrw`,
);

describe('simulate', () => {
  it('gives each tag its shares on a disk, in an hour of it', async () => {
    const { report, givenUp } = await simulate(spec('hdd', FIVE, { seconds: 600 }), 1);
    expect(givenUp).toBe('');
    expect(report.seconds).toBe(600);
    expect(report.contendedFraction).toBeGreaterThan(0.99);
    expect(report.maxShareError!).toBeLessThan(0.01);
    expect(report.tags.every(({ errors, ops }) => errors === 0 && ops > 100)).toBe(true);
  });

  it('shows what fifo does with the same load', async () => {
    const { report } = await simulate(spec('hdd', FIVE, { seconds: 60 }, 'fifo'), 1);
    expect(report.contendedFraction).toBeGreaterThan(0.9);
    expect(report.maxShareError!).toBeGreaterThan(1);
  });

  it('divides down the tag tree on an SSD', async () => {
    const tags = [
      'acme/db:shares=300,outstanding=80',
      'acme/web:shares=100,outstanding=80',
      'other:shares=100,outstanding=80',
    ];
    const { report } = await simulate(spec('ssd', tags, { untilCost: 1_000 }), 1);
    // acme has the default of 100 shares, as other has.
    const [db, web, other] = report.tags.map(({ share }) => share!);
    expect(db).toBeCloseTo(3 / 8, 1);
    expect(web).toBeCloseTo(1 / 8, 1);
    expect(other).toBeCloseTo(1 / 2, 1);
    expect(report.maxShareError!).toBeLessThan(0.02);
  });

  it.each(['hdd', 'ssd'] as const)('%s: the same seed gives the same report, another seed another', async (kind) => {
    const run = async (seed: number): Promise<string> =>
      JSON.stringify((await simulate(spec(kind, FIVE, { untilCost: 200 }), seed)).report);
    const first = await run(11);
    expect(await run(11)).toBe(first);
    expect(await run(12)).not.toBe(first);
  });

  it('serves a null device, where everything ends at once, and refuses to wait there for time', async () => {
    const { counts, report } = await simulate(spec('null', ['a:outstanding=4,requests=1000'], {}), 1);
    expect(counts[0]).toMatchObject({ ops: 1_000, errors: 0, bytes: 4_096_000 });
    expect(report.maxShareError).toBeNull();
    await expect(simulate(spec('null', ['a:outstanding=4'], { seconds: 1 }), 1)).rejects.toThrow(
      'stop.seconds must be 0 on a null device',
    );
  });

  it('names what is wrong with a spec', async () => {
    const good = spec('ssd', ['a:outstanding=4,requests=1'], {});
    await expect(simulate({ ...good, policies: [{ tag: 'a', fields: { shares: 0 } }] }, 1)).rejects.toThrow(
      'policy.shares must be',
    );
    await expect(simulate({ ...good, tags: [{ ...good.tags[0]!, tag: 'A' }] }, 1)).rejects.toThrow('tag must be');
  });
});
