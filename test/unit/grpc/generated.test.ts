import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../..', import.meta.url));

function contents(folder: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = path.join(entry.parentPath, entry.name);
    found[path.relative(folder, file)] = readFileSync(file, 'utf8');
  }
  return found;
}

test('the generated types in src/wire/gen are what the generator makes of proto/', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'sluice-gen-'));
  try {
    execFileSync(process.execPath, [path.join(root, 'scripts/generate.mjs'), folder]);
    expect(contents(path.join(root, 'src/wire/gen'))).toEqual(contents(folder));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('the contract passes buf lint', () => {
  const run = spawnSync(path.join(root, 'node_modules/.bin/buf'), ['lint'], {
    cwd: path.join(root, 'proto'),
    encoding: 'utf8',
  });
  expect(run.stdout + run.stderr).toBe('');
  expect(run.status).toBe(0);
});
