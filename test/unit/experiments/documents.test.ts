/** What the documents say of experiments is what is there. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { FIGURES } from '../../../src/experiments/catalogue.js';
import { REAL_NAMES, realFigures } from '../../../src/experiments/real/figures.js';

function read(path: string): string {
  return readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
}

/** Without indentation, which an excerpt loses. */
function lines(text: string): string {
  return text
    .split('\n')
    .map((line) => line.trim())
    .join('\n');
}

describe('docs/reproduction.md', () => {
  /** Of tables of claims, by how many columns they have. */
  const rowsOf = (columns: number): string[][] =>
    read('docs/reproduction.md')
      .split('\n')
      .filter((line) => line.startsWith('| `') && line.split('|').length === columns + 2)
      .map((line) => line.split('|').map((cell) => cell.trim()));
  const rows = rowsOf(4);
  const real = realFigures(new Map());

  test('has every claim with what is expected of it, and no other', () => {
    const written = rows.map(([, id, source, says, result]) => ({ id, source, says, result }));
    const there = FIGURES.flatMap(({ claims }) =>
      claims.map(({ id, source, says, expected }) => ({ id: `\`${id}\``, source, says, result: expected.kind })),
    );
    expect(written).toEqual(there);
  });

  test('has every claim on real parts, and no other', () => {
    const written = rowsOf(3).map(([, id, says, result]) => ({ id, says, result }));
    const there = real.flatMap(({ claims }) =>
      claims.map(({ id, says, expected }) => ({ id: `\`${id}\``, says, result: expected.kind })),
    );
    expect(written).toEqual(there);
    expect(real.map(({ name }) => name)).toEqual([...REAL_NAMES]);
  });

  test('gives the reason of every claim that is not reproduced', () => {
    const text = read('docs/reproduction.md');
    for (const { expected } of [...FIGURES, ...real].flatMap(({ claims }) => claims)) {
      if (expected.kind === 'not reproduced') expect(text).toContain(expected.because);
    }
  });
});

describe('docs/writing-an-algorithm.md', () => {
  const excerpts = [...read('docs/writing-an-algorithm.md').matchAll(/```ts\n(.*?)```/gs)].map((match) => match[1]!);
  const sources = ['src/core/scheduling/baselines/lottery.ts', 'test/conformance/algorithm.test.ts']
    .map(read)
    .map(lines);

  test.each(excerpts)('shows the code as it is: %s', (excerpt) => {
    expect(sources.some((source) => source.includes(lines(excerpt).trim()))).toBe(true);
  });
});

describe('the catalogue', () => {
  test('names are unique, and a claim belongs to its figure', () => {
    const names = FIGURES.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    const ids = FIGURES.flatMap(({ claims }) => claims.map(({ id }) => id));
    expect(new Set(ids).size).toBe(ids.length);
    for (const { name, claims } of FIGURES) for (const { id } of claims) expect(id.startsWith(`${name}.`)).toBe(true);
  });

  test('scenarios of one id are one scenario', () => {
    const setups = new Map<string, string>();
    for (const { id, setup } of FIGURES.flatMap(({ scenarios }) => scenarios)) {
      const text = JSON.stringify(setup);
      expect(setups.get(id) ?? text, id).toBe(text);
      setups.set(id, text);
    }
  });
});
