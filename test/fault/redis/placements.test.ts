/**
 * Shares over hosts wherever the tags come in: the short form of `npm run bench placements`, on disks slow enough
 * for a machine with more to do, long enough for shares to be told, with room for what is on its way.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PlacementCluster, type DiskPlan } from '../../../bench/placements/cluster.js';
import { PLACEMENTS, PLANS } from '../../../bench/placements/index.js';
import { measure } from '../../../bench/placements/measure.js';
import { canRedis } from '../../support/redis.js';

const TIMING = { warmSeconds: 1, seconds: 4, outstanding: 64 };

describe.skipIf(!canRedis)('shares over four hosts on one Redis', { timeout: 60_000 }, () => {
  const plans = ['two4', 'five32'].map((name) => PLANS.find((plan) => plan.name === name)!);
  let cluster: PlacementCluster;
  beforeAll(async () => {
    cluster = await PlacementCluster.start(4, plans);
  });
  afterAll(() => cluster[Symbol.asyncDispose]());

  it.each(
    Object.entries(PLACEMENTS).flatMap(([name, placement]) =>
      plans
        .filter(({ shares }) => Object.keys(shares).every((tag) => placement[tag] !== undefined))
        .map((plan): [string, string, DiskPlan] => [
          name,
          `${Object.values(plan.shares).join(':')}, depth ${String(plan.depth)}`,
          plan,
        ]),
    ),
  )('%s: %s', async (name, _, plan) => {
    const shared = await measure(cluster, plan, PLACEMENTS[name]!, TIMING);
    const embedded = await measure(cluster, plan, null, { ...TIMING, seconds: 1.5 });
    const ratio = shared.served / shared.seconds / (embedded.served / embedded.seconds);
    console.info(
      `share error ${(shared.shareError * 100).toFixed(1)} % over ${String(shared.served)} requests, ` +
        `${shared.mean.toFixed(1)} of ${String(plan.depth)} slots in use, ${ratio.toFixed(2)} of the embedded store`,
    );
    expect(shared.shareError).toBeLessThan(0.07);
    expect(shared.most).toBeLessThanOrEqual(plan.depth);
    if (plan.depth === 32) expect(ratio).toBeGreaterThan(0.65);
  });
});
