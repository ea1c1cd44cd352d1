import { status, type ServiceError } from '@grpc/grpc-js';
import { afterEach, describe, expect, test } from 'vitest';
import { CODES, type Code } from '../../../src/core/model/errors.js';
import type { IoReply__Output } from '../../../src/wire/gen/sluice/v1/IoReply.js';
import type { IoServiceClient } from '../../../src/wire/gen/sluice/v1/IoService.js';
import type { SubmitRequest } from '../../../src/wire/gen/sluice/v1/SubmitRequest.js';
import { decodeStatusDetails, type StatusDetails } from '../../../src/wire/status-details.js';
import { Harness, turns } from './harness.js';
import { ioClient } from './raw-client.js';

const clients: IoServiceClient[] = [];
afterEach(() => clients.splice(0).forEach((client) => client.close()));

function connect(harness: Harness): IoServiceClient {
  const client = ioClient(harness.address);
  clients.push(client);
  return client;
}

interface Answer {
  error: ServiceError | null;
  reply: IoReply__Output | undefined;
}

function submit(client: IoServiceClient, request: SubmitRequest): Promise<Answer> {
  return new Promise((resolve) => client.Submit(request, (error, reply) => resolve({ error, reply })));
}

function details(error: ServiceError | null): StatusDetails | null {
  return decodeStatusDetails(error!.metadata.get('grpc-status-details-bin')[0] as Buffer);
}

const READ = { op: 1, offset: 0, length: 512, tag: 'acme/db' } as const;

describe('Submit', () => {
  test('serves one request', async () => {
    await using harness = await Harness.start();
    const { error, reply } = await submit(connect(harness), {
      device: 'disk0',
      request: { ...READ, id: 3, attempt: 1 },
    });
    expect(error).toBeNull();
    expect(reply).toMatchObject({
      id: 3,
      code: CODES.OK,
      data: Buffer.alloc(512, 3),
      serviceUs: 7,
      cost: 1,
      attempt: 1,
    });
    expect(harness.device.tags).toEqual(['acme/db']);
  });

  const refused: [string, SubmitRequest, Code, status, string][] = [
    ['no request', { device: 'disk0' }, 'INVALID_ARGUMENT', status.INVALID_ARGUMENT, 'request'],
    ['unknown device', { device: 'nope', request: READ }, 'NOT_FOUND', status.NOT_FOUND, 'device'],
    [
      'no tag',
      { device: 'disk0', request: { ...READ, tag: '' } },
      'INVALID_ARGUMENT',
      status.INVALID_ARGUMENT,
      'request.tag',
    ],
    [
      'unknown op',
      { device: 'disk0', request: { ...READ, op: 9 as never } },
      'INVALID_ARGUMENT',
      status.INVALID_ARGUMENT,
      'request.op',
    ],
    [
      'too large',
      { device: 'disk0', request: { ...READ, length: 2 ** 21 } },
      'TOO_LARGE',
      status.INVALID_ARGUMENT,
      'request.length',
    ],
    [
      'length 0',
      { device: 'disk0', request: { ...READ, length: 0 } },
      'INVALID_ARGUMENT',
      status.INVALID_ARGUMENT,
      'request.length',
    ],
  ];
  test.each(refused)('%s: the status, with details', async (_, request, code, grpcStatus, field) => {
    await using harness = await Harness.start();
    const { error } = await submit(connect(harness), request);
    expect(error).toMatchObject({ code: grpcStatus });
    expect(error!.details).toMatch(new RegExp(`^${field.replace('.', '\\.')} must be`));
    expect(details(error)).toEqual({ code, message: error!.details, field, retryAfterMs: undefined });
    expect(harness.device.submitted).toHaveLength(0);
  });

  test('what the dispatcher answers', async () => {
    await using harness = await Harness.start();
    harness.device.mode = 'hold';
    const answer = submit(connect(harness), { device: 'disk0', request: READ });
    while (harness.device.outstanding < 1) await turns(1);
    harness.device.finish(harness.device.submitted[0]!, 'QUEUE_FULL', 'max_queued_requests (1) are waiting');
    const { error } = await answer;
    expect(error).toMatchObject({ code: status.RESOURCE_EXHAUSTED });
    expect(details(error)).toEqual({
      code: 'QUEUE_FULL',
      message: 'max_queued_requests (1) are waiting',
      field: undefined,
      retryAfterMs: 100,
    });
  });

  test('a call that is cancelled, or past its deadline, takes its queued request back', async () => {
    await using harness = await Harness.start();
    const { device } = harness;
    device.mode = 'queue';
    const client = connect(harness);
    const call = client.Submit({ device: 'disk0', request: READ }, () => undefined);
    while (device.queued < 1) await turns(1);
    call.cancel();
    while (device.queued > 0) await turns(1);
    expect(device.submitted[0]!.code).toBe('CANCELLED');
    const error = await new Promise((resolve) =>
      client.Submit({ device: 'disk0', request: READ }, { deadline: Date.now() + 30 }, resolve),
    );
    expect(error).toMatchObject({ code: status.DEADLINE_EXCEEDED });
    while (device.queued > 0) await turns(1);
    expect(device.submitted.map((io) => io.code)).toEqual(['CANCELLED', 'CANCELLED']);
  });

  test('a drain waits for it', async () => {
    await using harness = await Harness.start();
    harness.device.mode = 'hold';
    const answer = submit(connect(harness), { device: 'disk0', request: READ });
    while (harness.device.outstanding < 1) await turns(1);
    let drained = false;
    const drain = harness.door.drain(20_000).then(() => (drained = true));
    await turns(50);
    expect(drained).toBe(false);
    harness.device.finishAll();
    expect((await answer).error).toBeNull();
    await drain;
  });
});
