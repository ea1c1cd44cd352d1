import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Two cores: a second worker is all that helps, and servers under test want some of them.
    maxWorkers: 2,
  },
});
