/** The tools that people use on NBD, from Debian's packages, against a running service. */
import { spawn, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { TestService } from '../../support/service.js';

const present = (command: string): boolean => spawnSync(command, ['--version'], { stdio: 'ignore' }).status === 0;
const libnbd = present('nbdinfo') && present('nbdcopy');
const qemu = present('qemu-img') && present('qemu-io');
const fio = present('fio') && spawnSync('fio', ['--enghelp'], { encoding: 'utf8' }).stdout.includes('nbd');

const SIZE_BYTES = 32 * 1_048_576;
const CONFIG = `
listen: { nbd: '127.0.0.1:0' }
bindings: { data: { type: file, path: data.img, create: true, size_bytes: ${String(SIZE_BYTES)} } }
devices:
  disk: { binding: data }
  ssd: { simulation: { kind: ssd, size_bytes: ${String(SIZE_BYTES)} } }
policies:
  - { device: disk, tag: acme/db, shares: 300 }
  - { device: ssd, tag: acme/db, shares: 300 }
`;

/** Runs a tool to its end; the service in another process serves it meanwhile. */
async function run(command: string, args: readonly string[], cwd: string): Promise<string> {
  const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  expect(code, `${command} ${args.join(' ')}\n${stdout}\n${stderr}`).toBe(0);
  return stdout;
}

const digest = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');

describe.skipIf(!libnbd)('libnbd', () => {
  test('nbdinfo lists the exports, tells what one can do, and maps it as data', async () => {
    await using service = await TestService.start({ config: CONFIG });
    const { folder, nbd } = service;
    const list = JSON.parse(await run('nbdinfo', ['--list', '--json', `nbd://${nbd}`], folder)) as {
      exports: Record<string, unknown>[];
    };
    expect(list.exports.map((each) => each['export-name'])).toEqual(['disk@acme/db', 'ssd@acme/db']);
    const info = JSON.parse(await run('nbdinfo', ['--json', `nbd://${nbd}/disk@acme/db`], folder)) as object;
    expect(info).toMatchObject({
      protocol: 'newstyle-fixed',
      structured: true,
      exports: [
        {
          'export-size': SIZE_BYTES,
          contexts: ['base:allocation'],
          is_read_only: false,
          can_df: true,
          can_flush: true,
          can_fua: true,
          can_multi_conn: true,
          can_trim: true,
          can_zero: true,
          can_fast_zero: false,
          block_size_minimum: 512,
          block_size_preferred: 4_096,
          block_size_maximum: 32 * 1_048_576,
        },
      ],
    });
    const map = JSON.parse(await run('nbdinfo', ['--map', '--json', `nbd://${nbd}/ssd@acme/db`], folder)) as object;
    expect(map).toEqual([{ offset: 0, length: SIZE_BYTES, type: 0, description: 'data' }]);
  });

  test.each(['disk', 'ssd'])('nbdcopy to %s and back, over several connections: the same bytes', async (device) => {
    await using service = await TestService.start({ config: CONFIG });
    const { folder, nbd } = service;
    writeFileSync(join(folder, 'in'), randomBytes(SIZE_BYTES));
    const uri = `nbd://${nbd}/${device}@acme/db`;
    await run('nbdcopy', ['--flush', '--connections=4', 'in', uri], folder);
    await run('nbdcopy', ['--connections=4', uri, 'out'], folder);
    expect(digest(join(folder, 'out'))).toBe(digest(join(folder, 'in')));
    if (device === 'disk') expect(digest(join(folder, 'data.img'))).toBe(digest(join(folder, 'in')));
  });

  test('over a Unix socket too', async () => {
    await using service = await TestService.start({
      config: CONFIG.replace("nbd: '127.0.0.1:0'", 'nbd: unix:/tmp/sluice-test-' + String(process.pid) + '.sock'),
    });
    expect(service.nbd).toBe(`unix:/tmp/sluice-test-${String(process.pid)}.sock`);
    const uri = `nbd+unix:///ssd@a?socket=${service.nbd.slice('unix:'.length)}`;
    expect(await run('nbdinfo', ['--size', uri], service.folder)).toBe(`${String(SIZE_BYTES)}\n`);
    expect(await service.end('SIGTERM')).toBe(0);
  });
});

describe.skipIf(!qemu)('QEMU', () => {
  test.each(['disk', 'ssd'])('qemu-img writes %s, finds it identical, and describes it', async (device) => {
    await using service = await TestService.start({ config: CONFIG });
    const { folder, nbd } = service;
    writeFileSync(join(folder, 'in'), Buffer.concat([randomBytes(SIZE_BYTES / 2), Buffer.alloc(SIZE_BYTES / 2)]));
    const uri = `nbd://${nbd}/${device}@acme/db`;
    await run('qemu-img', ['convert', '-n', '-f', 'raw', '-O', 'raw', 'in', uri], folder);
    const compared = await run('qemu-img', ['compare', '-f', 'raw', '-F', 'raw', 'in', uri], folder);
    expect(compared).toContain('Images are identical');
    const info = JSON.parse(await run('qemu-img', ['info', '--output=json', '-f', 'raw', uri], folder)) as object;
    expect(info).toMatchObject({ 'virtual-size': SIZE_BYTES });
    await run('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', uri, 'out.qcow2'], folder);
    await run('qemu-img', ['compare', '-f', 'raw', '-F', 'qcow2', 'in', 'out.qcow2'], folder);
  });

  test.each(['disk', 'ssd'])(
    'qemu-io on %s: patterns, discards, zeroes and flushes, each read back',
    async (device) => {
      await using service = await TestService.start({ config: CONFIG });
      const commands = [
        ...['write -P 0x5a 4096 3M', 'write -f -P 0x11 1M 64k', 'write -z 8192 4096', 'write -z -u 16384 4096'],
        ...['aio_write -P 0x77 20M 1M', 'aio_write -P 0x78 21M 1M', 'aio_flush', 'flush'],
        ...['read -P 0x5a 4096 4096', 'read -P 0 8192 4096', 'read -P 0 16384 4096', 'read -P 0x5a 20480 512k'],
        ...['read -P 0x11 1M 64k', 'read -P 0x77 20M 1M', 'read -P 0x78 21M 1M', 'discard 4M 1M', 'read 4M 1M'],
        // Beyond the sector: QEMU reads, changes and writes the blocks around it.
        ...['write -P 0x33 100 1000', 'read -P 0x33 100 1000'],
      ];
      const args = ['-f', 'raw', ...commands.flatMap((command) => ['-c', command])];
      const printed = await run('qemu-io', [...args, `nbd://${service.nbd}/${device}@acme/db`], service.folder);
      expect(printed).not.toMatch(/verification failed|failed:/);
      expect(printed.match(/^read \d+\/\d+ bytes/gm)).toHaveLength(9);
    },
  );
});

describe.skipIf(!fio)('fio', () => {
  test.each(['disk', 'ssd'])(
    'writes and verifies %s at depth 32',
    async (device) => {
      await using service = await TestService.start({ config: CONFIG });
      const seconds = process.env['SLUICE_LONG'] === '1' ? 60 : 4;
      const printed = await run(
        'fio',
        [
          ...['--name=nbd', '--ioengine=nbd', `--uri=nbd://${service.nbd}/${device}@acme/db`, '--rw=randrw', '--bs=4k'],
          ...['--iodepth=32', '--verify=crc32c', '--verify_fatal=1', `--size=${String(SIZE_BYTES)}`],
          ...['--time_based=1', `--runtime=${String(seconds)}`, '--output-format=json'],
        ],
        service.folder,
      );
      const { jobs } = JSON.parse(printed.slice(printed.indexOf('{'))) as {
        jobs: { error: number; job_runtime: number; read: { total_ios: number }; write: { total_ios: number } }[];
      };
      expect(jobs[0]!.error).toBe(0);
      expect(jobs[0]!.job_runtime).toBeGreaterThan(seconds * 950);
      expect(jobs[0]!.read.total_ios).toBeGreaterThan(100);
      expect(jobs[0]!.write.total_ios).toBeGreaterThan(100);
    },
    600_000,
  );
});
