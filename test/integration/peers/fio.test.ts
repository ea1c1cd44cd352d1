/** Traces pass between fio and this project: its own logs, written by itself, are read to the request. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runSluice } from '../../support/service.js';

const present = spawnSync('fio', ['--version'], { stdio: 'ignore' }).status === 0;

describe.skipIf(!present)('a log that fio wrote', () => {
  test('is replayed whole: reads, writes and bytes are those of fio', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-fio-'));
    try {
      const log = join(folder, 'mixed.log');
      const fio = spawnSync(
        'fio',
        [
          '--name=mixed',
          `--filename=${join(folder, 'data')}`,
          '--size=4m',
          '--rw=randrw',
          '--bs=4k,8k',
          '--ioengine=sync',
        ].concat([
          '--fsync=16',
          `--write_iolog=${log}`,
          '--output-format=json',
          `--output=${join(folder, 'out.json')}`,
        ]),
        { cwd: folder, encoding: 'utf8' },
      );
      expect(fio.status, fio.stderr).toBe(0);
      const { jobs } = JSON.parse(readFileSync(join(folder, 'out.json'), 'utf8')) as {
        jobs: { read: { total_ios: number; io_bytes: number }; write: { total_ios: number; io_bytes: number } }[];
      };
      const { read, write } = jobs[0]!;
      const { code, stdout, stderr } = await runSluice([
        'replay',
        log,
        '--simulate',
        '--sim-device',
        'ssd',
        '--strict',
        '--json',
      ]);
      expect(code, stderr).toBe(0);
      const report = JSON.parse(stdout) as { tags: { reads: number; writes: number; bytes: number; errors: number }[] };
      expect(report.tags).toMatchObject([
        { reads: read.total_ios, writes: write.total_ios, bytes: read.io_bytes + write.io_bytes, errors: 0 },
      ]);
      writeFileSync(log, readFileSync(log, 'utf8').replace('version 3', 'version 9'));
      expect((await runSluice(['replay', log, '--simulate', '--format', 'fio'])).code).toBe(1);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
