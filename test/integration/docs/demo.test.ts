/** `npm run demo` as the README says it: every scene, its figures, and what it needs. */
import { describe, expect, test } from 'vitest';
import { canRedis } from '../../support/redis.js';
import { runSluice } from '../../support/service.js';
import { TempFolder } from '../../support/temp-folder.js';

interface DemoReport {
  readonly contendedFraction: number;
  readonly maxShareError: number;
  readonly hosts: number;
  readonly scenes: readonly { readonly scene: string; readonly maxShareError: number }[];
  readonly longestSilenceMs: number | null;
  readonly verifiedReads: number;
  readonly wrongReads: number;
}

async function demo(...more: readonly string[]): Promise<DemoReport> {
  const { code, stdout, stderr } = await runSluice(['demo', '--seconds', '5', '--json', ...more]);
  expect(code, stderr).toBe(0);
  const report = JSON.parse(stdout) as DemoReport;
  expect(report.scenes[0]!.maxShareError).toBeGreaterThan(1);
  // A quarter of the run that the figures are quoted from, and so up to four times the error.
  expect(report.maxShareError).toBeLessThan(0.08);
  expect(report.contendedFraction).toBeGreaterThan(0.9);
  expect(report.verifiedReads).toBeGreaterThan(500);
  expect(report.wrongReads).toBe(0);
  return report;
}

describe('the demo', () => {
  test('npm run demo', async () => {
    const { hosts, scenes, longestSilenceMs } = await demo();
    expect(scenes.map(({ scene }) => scene)).toEqual(['fifo', 'fair', 'share change', 'idle']);
    expect([hosts, longestSilenceMs]).toEqual([1, null]);
  }, 60_000);

  test.skipIf(!canRedis)(
    'npm run demo -- --hosts 2',
    async () => {
      const { hosts, scenes, longestSilenceMs } = await demo('--hosts', '2');
      expect(scenes.map(({ scene }) => scene)).toEqual(['fifo', 'fair', 'share change', 'host killed', 'idle']);
      expect(hosts).toBe(2);
      // Until the other host took over, and then for its turn.
      expect(longestSilenceMs).toBeGreaterThan(0);
      expect(longestSilenceMs).toBeLessThan(2_500);
    },
    90_000,
  );

  test('npm run demo -- --hosts 2 without redis-server: one line', async () => {
    using folder = new TempFolder();
    const { code, stderr } = await runSluice(['demo', '--hosts', '2'], { PATH: folder.path });
    expect(code).toBe(1);
    expect(stderr.trim().split('\n')).toEqual([expect.stringContaining('--hosts above 1 needs redis-server')]);
    expect((await runSluice(['demo', '--hosts', '9'])).stderr).toContain('--hosts must be 1..5, got 9');
  });
});
