import { defineConfig } from 'vitest/config';

/** What measures shares, or leases of a second, against the clock of the wall wants the machine for itself: it comes last, a file at a time. */
const ALONE = [
  'test/vm/*-shares.test.ts',
  'test/fault/redis/{clocks,doubt,hosts,placements,random-writes,stops}.test.ts',
  'test/integration/docs/demo.test.ts',
];

export default defineConfig({
  test: {
    testTimeout: 30_000,
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        // Two cores: a second worker is all that helps, and servers under test want some of them.
        test: {
          name: 'together',
          include: ['test/**/*.test.ts'],
          exclude: ALONE,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      { extends: true, test: { name: 'alone', include: ALONE, maxWorkers: 1, sequence: { groupOrder: 1 } } },
    ],
  },
});
