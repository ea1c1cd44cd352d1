/** Documents refer to each other by path and by number: each path is there, each number stands for one decision. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ROOT } from '../../support/service.js';

const DECISIONS = 'docs/adr';
const markdownIn = (folder: string): string[] =>
  readdirSync(join(ROOT, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name));

const decisions = markdownIn(DECISIONS);
const documents = [...markdownIn('.'), ...markdownIn('docs'), ...decisions];
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

describe('decisions', () => {
  test('are numbered from 1 on, each number once, and say theirs', () => {
    const numbers = decisions.map((file) =>
      Number(/^(\d{4})-[a-z0-9-]+\.md$/.exec(file.slice(DECISIONS.length + 1))?.[1]),
    );
    expect(numbers.toSorted((a, b) => a - b)).toEqual(decisions.map((_, i) => i + 1));
    const headings = decisions.map((file) => Number(/^# (\d+)\. \S/.exec(read(file))?.[1]));
    expect(headings).toEqual(numbers);
  });
});

describe('links', () => {
  test.each(documents)('of %s lead to files that are there', (file) => {
    const text = read(file).replace(/^```.*?^```/gms, '');
    const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!);
    const paths = targets.filter((target) => !/^[a-z]+:/.test(target)).map((target) => target.replace(/#.*/, ''));
    expect(paths.filter((path) => path !== '' && !existsSync(join(ROOT, dirname(file), path)))).toEqual([]);
  });

  test('to headings lead to headings that are there', () => {
    const slug = (heading: string): string =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-');
    const slugs = new Map(
      documents.map((file) => {
        const text = read(file).replace(/^```.*?^```/gms, '');
        return [file, new Set([...text.matchAll(/^#+ (.+)$/gm)].map(([, heading]) => slug(heading!)))];
      }),
    );
    const lost: string[] = [];
    for (const file of documents) {
      for (const [, path, fragment] of read(file).matchAll(/\]\(([^)\s#:]*)#([^)\s]+)\)/g)) {
        const target = path === '' ? file : join(dirname(file), path!);
        if (!slugs.get(target)?.has(fragment!)) lost.push(`${file}: ${path!}#${fragment!}`);
      }
    }
    expect(lost).toEqual([]);
  });
});
