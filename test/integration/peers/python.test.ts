/** A client that is not ours: Python's grpcio, with nothing but the server's reflection to go by. */
import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ROOT, TestService } from '../../support/service.js';

const PYTHON = '/usr/bin/python3';
const present = spawnSync(PYTHON, ['-c', 'import grpc, google.protobuf'], { stdio: 'ignore' }).status === 0;

interface Answer {
  status?: string;
  message?: string;
  data?: string;
  cost?: number;
  welcome?: { hostId: string; maxIoBytes: number };
  opened?: { handle: number; sizeBytes: string }[];
  replies?: { id: string; code?: string; data?: string }[];
}

async function call(address: string, method: string, ...requests: object[]): Promise<Answer[]> {
  const child = spawn(
    PYTHON,
    [join(ROOT, 'test/peers/reflected.py'), address, method, ...requests.map((request) => JSON.stringify(request))],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const code = await new Promise((resolve) => child.once('close', resolve));
  expect(code, stderr).toBe(0);
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Answer);
}

describe.skipIf(!present)('a Python client', () => {
  test('reads what it wrote, with one call each', async () => {
    await using service = await TestService.start({ config: 'devices: { disk0: { simulation: { kind: ssd } } }' });
    const data = Buffer.alloc(4_096, 'python').toString('base64');
    const submit = (request: object): Promise<Answer[]> =>
      call(service.grpc, 'sluice.v1.IoService/Submit', { device: 'disk0', request: { tag: 'acme/db', ...request } });
    expect(await submit({ op: 'OP_WRITE', length: 4_096, data })).toMatchObject([{ cost: 1 }]);
    expect(await submit({ op: 'OP_READ', length: 4_096 })).toMatchObject([{ data, cost: 1 }]);
    const [refused] = await submit({ op: 'OP_READ', offset: 1, length: 4_096 });
    expect(refused).toMatchObject({ status: 'INVALID_ARGUMENT' });
    expect(refused!.message).toContain('offset must be a multiple of 512, got 1');
  });

  test('opens a handle on a stream, and is answered in batches', async () => {
    await using service = await TestService.start({ config: 'devices: { disk0: { simulation: { kind: ssd } } }' });
    const data = Buffer.alloc(512, 7).toString('base64');
    const frames = await call(
      service.grpc,
      'sluice.v1.IoService/Stream',
      { hello: {} },
      {
        open: [{ handle: 1, device: 'disk0', tag: 'acme' }],
        requests: [
          { id: 1, handle: 1, op: 'OP_WRITE', offset: 512, length: 512, data },
          { id: 2, handle: 1, op: 'OP_FLUSH' },
          { id: 3, handle: 9, op: 'OP_FLUSH' },
        ],
      },
    );
    expect(frames[0]!.welcome!.maxIoBytes).toBe(1_048_576);
    const replies = frames.flatMap((frame) => frame.replies ?? []);
    expect(replies.map(({ id, code }) => [id, code ?? 'CODE_OK']).sort()).toEqual([
      ['1', 'CODE_OK'],
      ['2', 'CODE_OK'],
      ['3', 'CODE_NOT_FOUND'],
    ]);
  });
});
