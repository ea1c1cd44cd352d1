/** A remote NBD server killed and started again while fio writes and verifies through the door of the service. */
import { spawn, spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { NbdServer, hasNbdkit, hasQemuNbd } from '../../support/nbd-servers.js';
import { TestService } from '../../support/service.js';

const SIZE_BYTES = 32 * 1_048_576;
const SECONDS = process.env['SLUICE_LONG'] === '1' ? 60 : 5;
const hasFio = spawnSync('fio', ['--version'], { stdio: 'ignore' }).status === 0;

interface Printed {
  readonly jobs: readonly {
    readonly error: number;
    readonly read: { readonly total_ios: number };
    readonly write: { readonly total_ios: number };
  }[];
}

async function verifyOver(server: NbdServer): Promise<{ printed: Printed; kills: number }> {
  const config = [
    "listen: { nbd: '127.0.0.1:0' }",
    `bindings: { far: { type: nbd, uri: '${server.uri}', connections: 2, fence_ms: 100, reconnect_ms_max: 100 } }`,
    'devices: { d: { binding: far } }',
  ].join('\n');
  await using service = await TestService.start({ config });
  const fio = spawn(
    'fio',
    [
      ...['--name=far', '--ioengine=nbd', `--uri=nbd://${service.nbd}/d@acme/db`, '--rw=randrw', '--bs=4k'],
      ...['--iodepth=32', '--verify=crc32c', '--verify_fatal=1', `--size=${String(SIZE_BYTES)}`, '--fsync=64'],
      ...['--time_based=1', `--runtime=${String(SECONDS)}`, '--output-format=json'],
    ],
    { cwd: service.folder, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let stdout = '';
  let stderr = '';
  fio.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  fio.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => fio.once('close', resolve));
  const isOver = async (ms: number): Promise<boolean> =>
    Promise.race([ended.then(() => true), new Promise<false>((resolve) => setTimeout(() => resolve(false), ms))]);
  let kills = 0;
  while (!(await isOver(700))) {
    await server.kill();
    kills += 1;
    await isOver(100);
    await server.start();
  }
  expect(await ended, `${stderr}\n${service.output}`).toBe(0);
  return { printed: JSON.parse(stdout.slice(stdout.indexOf('{'))) as Printed, kills };
}

function check({ printed, kills }: { printed: Printed; kills: number }): void {
  const job = printed.jobs[0]!;
  expect(job.error).toBe(0);
  expect(job.read.total_ios).toBeGreaterThan(100);
  expect(job.write.total_ios).toBeGreaterThan(100);
  expect(kills).toBeGreaterThan(1);
}

test.skipIf(!hasFio || !hasNbdkit)(
  'nbdkit on a file',
  async () => {
    await using server = await NbdServer.nbdkitFile(SIZE_BYTES);
    check(await verifyOver(server));
  },
  600_000,
);

// What was written and not flushed may be gone with it: the image's tables are in its memory.
test.skipIf(!hasFio || !hasQemuNbd)(
  'qemu-nbd on qcow2',
  async () => {
    await using server = await NbdServer.qemu(true, 'qcow2', SIZE_BYTES);
    check(await verifyOver(server));
  },
  600_000,
);
