/** What is owed is undone, last first, by whatever way. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { Janitor, quote } from '../../../src/experiments/real/janitor.js';

const work = mkdtempSync(join(tmpdir(), 'sluice-janitor-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

function log(name: string): { readonly says: (word: string) => string; readonly text: () => string } {
  const file = join(work, name);
  writeFileSync(file, '');
  return { says: (word) => `echo ${quote(word)} >> ${quote(file)}`, text: () => readFileSync(file, 'utf8') };
}

describe('Janitor', () => {
  test('goes back to where it is told to, last first, and does the rest when it is closed', async () => {
    const { says, text } = log('order');
    const janitor = new Janitor();
    janitor.owe(says('one'));
    const from = janitor.owed;
    janitor.owe(says('two'));
    janitor.owe(says('three'));
    await janitor.undoTo(from);
    expect(text()).toBe('three\ntwo\n');
    janitor.owe(says("it's"));
    await janitor.close();
    await janitor.close();
    expect(text()).toBe("three\ntwo\nit's\none\n");
  });

  test('a step that cannot be undone keeps no other from it', async () => {
    const { says, text } = log('failing');
    const janitor = new Janitor();
    janitor.owe(says('first'));
    janitor.owe('false # on purpose: the line on stderr that says so is part of it');
    await janitor.close();
    expect(text()).toBe('first\n');
  });
});
