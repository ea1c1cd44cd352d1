import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { defineConfig } from 'vitest/config';

/** What measures shares against the clock of the wall wants the machine for itself: it comes last, a file at a time. */
const ALONE = [
  'test/vm/*-shares.test.ts',
  'test/fault/redis/{hosts,placements,random-writes,stops}.test.ts',
  'test/integration/docs/demo.test.ts',
];

/** What waits for leases of a second most of the time leaves room for one more of its kind, though not for much else. */
const PAIRED = ['test/fault/redis/{clocks,doubt}.test.ts'];

/**
 * What runs in the process of the test and leaves nothing there: its files share what a worker has loaded, which
 * costs more than most of them do. Not among them what weighs the heap of its process (credit).
 */
const LIGHT = [
  'test/{unit,conformance}/**/*.test.ts',
  'test/integration/{client,http}/**/*.test.ts',
  'test/integration/grpc/!(credit).test.ts',
];

/** Half a minute and more each. */
const LONG = [
  'browser/dashboard',
  'experiments/real',
  'vm/vhost',
  'vm/nbd',
  'docs/docs',
  'service/data-dir',
  'service/verify',
  'deploy/image',
  'redis/exchange-equal',
  'redis/groups',
];

/** The longest first, so that no worker is left alone with one in the end; the light ones last, beside each other. */
class Order extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ project, moduleId }: TestSpecification): number => {
      if (project.name === 'light') return 2;
      return LONG.some((name) => moduleId.endsWith(`/${name}.test.ts`)) ? 0 : 1;
    };
    return (await super.sort(files)).toSorted((a, b) => place(a) - place(b));
  }
}

export default defineConfig({
  test: {
    testTimeout: 30_000,
    hookTimeout: 60_000,
    sequence: { sequencer: Order },
    projects: [
      {
        extends: true,
        // Two cores: a second worker is all that helps, and servers under test want some of them.
        test: {
          name: 'together',
          include: ['test/**/*.test.ts'],
          exclude: [...ALONE, ...PAIRED, ...LIGHT],
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: { name: 'light', include: LIGHT, isolate: false, maxWorkers: 2, sequence: { groupOrder: 0 } },
      },
      { extends: true, test: { name: 'paired', include: PAIRED, maxWorkers: 2, sequence: { groupOrder: 1 } } },
      { extends: true, test: { name: 'alone', include: ALONE, maxWorkers: 1, sequence: { groupOrder: 2 } } },
    ],
  },
});
