/** A client that shares no code with this service (buf's, in Go), which learns the contract by reflection. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { RunningService, call } from './service.js';

const BUF = fileURLToPath(new URL('../../../node_modules/.bin/buf', import.meta.url));

interface Answer {
  readonly exitCode: number | null;
  readonly body: Record<string, unknown>;
}

function curl(service: RunningService, method: string, request: object): Promise<Answer> {
  const url = `http://${path.posix.join(service.address, `sluice.v1.${method}`)}`;
  const args = ['curl', '--protocol', 'grpc', '--http2-prior-knowledge', '-d', JSON.stringify(request), url];
  const child = spawn(BUF, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  const gather = (chunk: Buffer): void => void (text += chunk.toString());
  child.stdout.on('data', gather);
  child.stderr.on('data', gather);
  return new Promise((resolve) =>
    child.on('close', (exitCode) => resolve({ exitCode, body: JSON.parse(text) as Record<string, unknown> })),
  );
}

test('serves a request, sets a policy, explains an error', async () => {
  await using service = await RunningService.start();
  await call((done) =>
    service.devices.Create({ name: 'ssd0', simulation: { kind: 'ssd', sizeBytes: 1_048_576 } }, done),
  );
  const data = Buffer.alloc(512, 'sluice').toString('base64');
  const request = { op: 'OP_WRITE', offset: 512, length: 512, data, tag: 'acme' };
  expect(await curl(service, 'IoService/Submit', { device: 'ssd0', request })).toMatchObject({ exitCode: 0 });
  const read = await curl(service, 'IoService/Submit', {
    device: 'ssd0',
    request: { ...request, op: 'OP_READ', data: '' },
  });
  expect(read.body).toMatchObject({ data });
  const policy = { device: '*', tag: 'acme', shares: 5 };
  expect((await curl(service, 'PolicyService/Put', { policy })).body).toMatchObject(policy);
  const refused = await curl(service, 'PolicyService/Put', { policy: { ...policy, shares: 0 } });
  expect(refused.exitCode).not.toBe(0);
  expect(refused.body).toMatchObject({
    code: 'invalid_argument',
    message: 'policy.shares must be an integer 1..10000, got 0',
    details: [{ type: 'google.rpc.ErrorInfo' }, { type: 'google.rpc.BadRequest' }],
  });
});
