import { defineConfig } from 'vitest/config';

/** Guests, hosts that are stopped and killed, and the demo, which counts shares, want the machine for themselves: they come last, a file at a time. */
const ALONE = ['test/vm/**/*.test.ts', 'test/fault/redis/**/*.test.ts', 'test/integration/docs/**/*.test.ts'];

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
