import { createHash } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import { describe, expect, test } from 'vitest';
import { CODES } from '../../../src/core/model/errors.js';
import type { CreateDeviceRequest } from '../../../src/wire/gen/sluice/v1/CreateDeviceRequest.js';
import type { Device__Output } from '../../../src/wire/gen/sluice/v1/Device.js';
import type { ListDevicesResponse__Output } from '../../../src/wire/gen/sluice/v1/ListDevicesResponse.js';
import type { ApplyPoliciesResponse__Output } from '../../../src/wire/gen/sluice/v1/ApplyPoliciesResponse.js';
import type { ListPoliciesResponse__Output } from '../../../src/wire/gen/sluice/v1/ListPoliciesResponse.js';
import type { ListTagsResponse__Output } from '../../../src/wire/gen/sluice/v1/ListTagsResponse.js';
import type { Policy, Policy__Output } from '../../../src/wire/gen/sluice/v1/Policy.js';
import type { QueryUsageRequest } from '../../../src/wire/gen/sluice/v1/QueryUsageRequest.js';
import type { QueryUsageResponse__Output } from '../../../src/wire/gen/sluice/v1/QueryUsageResponse.js';
import type { UsageRow__Output } from '../../../src/wire/gen/sluice/v1/UsageRow.js';
import type { WatchPoliciesResponse__Output } from '../../../src/wire/gen/sluice/v1/WatchPoliciesResponse.js';
import { RunningService, call, failure } from './service.js';

const MIB = 1_048_576;

function create(service: RunningService, request: CreateDeviceRequest): Promise<Device__Output> {
  return call<Device__Output>((done) => service.devices.Create(request, done));
}

function createNull(service: RunningService, name = 'null0', kind = 'null'): Promise<Device__Output> {
  return create(service, { name, simulation: { kind, sizeBytes: 64 * MIB } });
}

function put(service: RunningService, policy: Policy): Promise<Policy__Output> {
  return call<Policy__Output>((done) => service.policies.Put({ policy }, done));
}

function query(service: RunningService, request: QueryUsageRequest): Promise<UsageRow__Output[]> {
  return new Promise((resolve, reject) => {
    const rows: UsageRow__Output[] = [];
    service.usage
      .Query(request)
      .on('data', (message: QueryUsageResponse__Output) => rows.push(...message.rows))
      .on('error', reject)
      .on('end', () => resolve(rows));
  });
}

describe('DeviceService', () => {
  test('Create, Get, List, Update, Drain, Delete', async () => {
    await using service = await RunningService.start();
    const { devices } = service;
    const made = await create(service, {
      name: 'null0',
      simulation: { kind: 'null', sizeBytes: 64 * MIB, blockBytes: 4_096 },
      settings: { depth: 7, fair: { credit: 2 } },
    });
    expect(made).toMatchObject({ name: 'null0', binding: '', sizeBytes: 64 * MIB, blockBytes: 4_096, state: 1 });
    expect(made.settings).toMatchObject({ scheduler: 'fair', depth: 7, fair: { credit: 2, idleResetMs: 1_000 } });
    const got = await call<Device__Output>((done) => devices.Get({ name: 'null0' }, done));
    expect(got).toEqual(made);
    await createNull(service, 'null1');
    const page = await call<ListDevicesResponse__Output>((done) => devices.List({ pageSize: 1 }, done));
    expect(page.devices.map((device) => device.name)).toEqual(['null0']);
    const { nextPageToken: pageToken } = page;
    const rest = await call<ListDevicesResponse__Output>((done) => devices.List({ pageToken }, done));
    expect(rest).toMatchObject({ devices: [{ name: 'null1' }], nextPageToken: '' });
    const updated = await call<Device__Output>((done) =>
      devices.Update({ name: 'null0', settings: { scheduler: 'fifo', stride: { sleepMs: 5 } }, etag: made.etag }, done),
    );
    expect(updated.settings).toMatchObject({ scheduler: 'fifo', depth: 7, stride: { sleepMs: 5 } });
    const stale = call((done) => devices.Update({ name: 'null0', etag: made.etag }, done));
    expect(await failure(stale)).toMatchObject({ grpc: status.ABORTED, details: { code: 'ETAG_MISMATCH' } });
    const drained = await call<Device__Output>((done) => devices.Drain({ name: 'null0' }, done));
    expect(drained.state).toBe(4);
    await call((done) => devices.Delete({ name: 'null0' }, done));
    const gone = call((done) => devices.Get({ name: 'null0' }, done));
    expect(await failure(gone)).toMatchObject({ grpc: status.NOT_FOUND, details: { code: 'NOT_FOUND' } });
  });

  const refused: [string, CreateDeviceRequest, string, RegExp][] = [
    ['no target', { name: 'd' }, 'target', /target must be a binding or a simulation/],
    ['a path', { name: 'd', binding: '/etc/passwd' }, 'binding', /binding "\/etc\/passwd" does not exist/],
    ['a bad name', { name: 'D_', simulation: { kind: 'null' } }, 'name', /name must be .* got "D_"/],
    ['no such model', { name: 'd', simulation: { kind: 'tape' } }, 'simulation.kind', /simulation\.kind .* got "tape"/],
    [
      'depth 0',
      { name: 'd', simulation: { kind: 'null' }, settings: { depth: 0 } },
      'settings.depth',
      /settings\.depth must be an integer 1\.\.65536, got 0/,
    ],
  ];
  test.each(refused)('Create with %s', async (_, request, field, message) => {
    await using service = await RunningService.start();
    const { details } = await failure(create(service, request));
    expect(details).toMatchObject({ field });
    expect(details!.message).toMatch(message);
  });

  test('Calibrate is not offered', async () => {
    await using service = await RunningService.start();
    const ended = new Promise((resolve) =>
      service.devices
        .Calibrate({ name: 'null0' })
        .on('error', resolve)
        .on('data', () => undefined),
    );
    expect(await ended).toMatchObject({ code: status.UNIMPLEMENTED });
  });
});

describe('PolicyService', () => {
  test('Put, Get own and effective, List, Delete: absent fields stay absent', async () => {
    await using service = await RunningService.start();
    const { policies } = service;
    await put(service, { device: '*', tag: 'acme', shares: 300 });
    const own = await put(service, { device: 'disk0', tag: 'acme', selfShares: 7 });
    expect(own).toMatchObject({ device: 'disk0', tag: 'acme', selfShares: 7 });
    expect(own.shares).toBeUndefined();
    expect(own.etag).not.toBe('');
    const got = await call<Policy__Output>((done) => policies.Get({ device: 'disk0', tag: 'acme' }, done));
    expect(got).toEqual(own);
    const effective = await call<Policy__Output>((done) =>
      policies.Get({ device: 'disk0', tag: 'acme', effective: true }, done),
    );
    expect(effective).toMatchObject({ shares: 300, selfShares: 7 });
    const list = await call<ListPoliciesResponse__Output>((done) => policies.List({ pageSize: 1 }, done));
    expect(list.policies.map((policy) => policy.device)).toEqual(['*']);
    const rest = await call<ListPoliciesResponse__Output>((done) =>
      policies.List({ pageToken: list.nextPageToken }, done),
    );
    expect(rest).toMatchObject({ policies: [{ device: 'disk0' }], nextPageToken: '' });
    const deleted = await call<{ revision: number }>((done) =>
      policies.Delete({ device: 'disk0', tag: 'acme', etag: own.etag }, done),
    );
    expect(deleted.revision).toBeGreaterThan(list.revision);
  });

  const refused: [string, Policy, string, number, string][] = [
    ['zero shares', { device: '*', tag: 'a', shares: 0 }, 'INVALID_ARGUMENT', 3, 'policy.shares'],
    ['shares -1', { device: '*', tag: 'a', shares: -1 }, 'INVALID_ARGUMENT', 3, 'policy.shares'],
    ['a bad tag', { device: '*', tag: 'A' }, 'INVALID_ARGUMENT', 3, 'policy.tag'],
    ['a limit', { device: '*', tag: 'a', limitPerS: 0 }, 'UNSUPPORTED', 12, 'policy.limit_per_s'],
    ['an etag of nothing', { device: '*', tag: 'a', shares: 1, etag: 'x' }, 'ETAG_MISMATCH', 10, ''],
  ];
  test.each(refused)('Put with %s', async (_, policy, code, grpc, field) => {
    await using service = await RunningService.start();
    const failed = await failure(put(service, policy));
    expect(failed).toMatchObject({ grpc, details: { code } });
    if (field !== '') expect(failed.details).toMatchObject({ field });
  });

  test('Put without a policy', async () => {
    await using service = await RunningService.start();
    const failed = await failure(call((done) => service.policies.Put({}, done)));
    expect(failed).toMatchObject({ grpc: status.INVALID_ARGUMENT, details: { field: 'policy' } });
  });

  test('Apply: dry run, prune', async () => {
    await using service = await RunningService.start();
    await put(service, { device: '*', tag: 'old', shares: 5 });
    const request = { policies: [{ device: '*', tag: 'new', shares: 9 }], prune: true, pruneDevice: '*' };
    const apply = (dryRun: boolean) =>
      call<ApplyPoliciesResponse__Output>((done) => service.policies.Apply({ ...request, dryRun }, done));
    const dry = await apply(true);
    const real = await apply(false);
    for (const applied of [dry, real]) {
      expect(applied.changes.map((change) => [change.kind, change.before?.tag, change.after?.tag])).toEqual(
        expect.arrayContaining([
          [1, undefined, 'new'],
          [3, 'old', undefined],
        ]),
      );
    }
    expect((await apply(false)).changes).toEqual([]);
    expect((await apply(false)).unchanged).toBe(1);
  });

  test('Watch: snapshot, changes; resumes; ends with the drain', async () => {
    await using service = await RunningService.start();
    await put(service, { device: '*', tag: 'a', shares: 5 });
    const events: WatchPoliciesResponse__Output[] = [];
    let wake: () => void = () => undefined;
    const watch = service.policies.Watch({ device: '' });
    const ended = new Promise((resolve) => watch.on('error', resolve));
    watch.on('data', (event: WatchPoliciesResponse__Output) => {
      events.push(event);
      wake();
    });
    const until = async (n: number): Promise<void> => {
      while (events.length < n) await new Promise<void>((resolve) => (wake = resolve));
    };
    await until(2);
    await put(service, { device: '*', tag: 'a', shares: 6 });
    await until(3);
    const done = events[1]?.snapshotDone ?? 0;
    const changed = events[2]?.change?.revision ?? 0;
    expect(changed).toBeGreaterThan(done);
    expect(events).toMatchObject([
      { event: 'snapshot', snapshot: { tag: 'a', shares: 5 } },
      { event: 'snapshotDone' },
      { event: 'change', change: { kind: 2, before: { shares: 5 }, after: { shares: 6 } } },
    ]);
    const resumed = service.policies.Watch({ resumeRevision: done });
    const first = await new Promise((resolve) => resumed.on('data', resolve).on('error', () => undefined));
    expect(first).toMatchObject({ event: 'change', change: { revision: changed } });
    const drained = service.door.drain(20_000);
    expect(await ended).toMatchObject({ code: status.UNAVAILABLE });
    await drained;
  });

  test('Watch that is cancelled lets go of its subscription; one from the future is OUT_OF_RANGE', async () => {
    await using service = await RunningService.start();
    const watch = service.policies.Watch({});
    const gone = new Promise((resolve) => watch.on('error', resolve));
    await new Promise((resolve) => watch.on('data', resolve));
    watch.cancel();
    expect(await gone).toMatchObject({ code: status.CANCELLED });
    const late = service.policies.Watch({ resumeRevision: 2 ** 50 });
    expect(await new Promise((resolve) => late.on('error', resolve).on('data', resolve))).toMatchObject({
      code: status.OUT_OF_RANGE,
    });
  });
});

describe('UsageService', () => {
  test('Query and ListTags say what was served', async () => {
    await using service = await RunningService.start();
    await createNull(service);
    const stream = service.connect();
    stream.send({
      hello: {},
      open: [
        { handle: 1, device: 'null0', tag: 'acme/db' },
        { handle: 2, device: 'null0', tag: 'beta' },
      ],
    });
    await stream.until(() => stream.credit(2) !== undefined);
    stream.send({
      requests: [
        ...Array.from({ length: 10 }, (_, id) => ({ id, handle: 1, op: 1 as const, offset: 0, length: 4_096 })),
        { id: 20, handle: 2, op: 2, offset: 512, length: 512, data: Buffer.alloc(512) },
        { id: 21, handle: 2, op: 1, offset: 64 * MIB, length: 512 },
      ],
    });
    await stream.repliesOf(12);
    const rows = await query(service, { orderBy: 4, quantiles: [0.5, 0.99] });
    expect(rows.map((row) => [row.tag, row.ops.map(({ op, count, bytes }) => [op, count, bytes])])).toEqual([
      ['acme/db', [[1, 10, 40_960]]],
      ['beta', [[2, 1, 512]]],
    ]);
    expect(rows[0]!.queueUs).toHaveLength(2);
    const grouped = await query(service, { tagPrefix: 'acme', groupLevel: 1 });
    expect(grouped.map((row) => row.tag)).toEqual(['acme']);
    const { tags } = await call<ListTagsResponse__Output>((done) => service.usage.ListTags({ device: 'null0' }, done));
    expect(tags.map((tag) => tag.tag)).toEqual(['acme/db', 'beta']);
  });

  test('a bad query names its field', async () => {
    await using service = await RunningService.start();
    expect(await failure(query(service, { stepMs: 7 }))).toMatchObject({
      grpc: status.INVALID_ARGUMENT,
      details: { field: 'step_ms' },
    });
    expect(await failure(query(service, { orderBy: 17 as never }))).toMatchObject({ details: { field: 'order_by' } });
  });

  test('Watch gives the rows of each interval', async () => {
    await using service = await RunningService.start();
    await createNull(service);
    const watch = service.usage.Watch({ intervalMs: 1_000 });
    watch.on('error', () => undefined);
    const seen = new Promise<UsageRow__Output>((resolve) =>
      watch.on('data', ({ rows }: QueryUsageResponse__Output) => {
        if (rows[0] !== undefined) resolve(rows[0]);
      }),
    );
    const request = { tag: 'acme', op: 1, offset: 0, length: 512 } as const;
    await call((done) => service.io.Submit({ device: 'null0', request }, done));
    expect(await seen).toMatchObject({ device: 'null0', tag: 'acme', ops: [{ op: 1, count: 1, bytes: 512 }] });
    watch.cancel();
  });
});

describe('I/O through the service’s own dispatchers', () => {
  test('random writes and reads over two streams at once on a simulated SSD, verified', async () => {
    await using service = await RunningService.start();
    await createNull(service, 'ssd0', 'ssd');
    const clients = [0, 1].map(async (half) => {
      const stream = service.connect();
      stream.send({ hello: {}, open: [{ handle: 1, device: 'ssd0', tag: `tenant${String(half)}` }] });
      await stream.until(() => stream.credit(1) !== undefined);
      const content = new Map<number, Buffer>();
      let id = 0;
      for (let round = 0; round < 20; round++) {
        const requests = Array.from({ length: 8 }, (_, i) => {
          const slot = createHash('md5')
            .update(`${String(half)} ${String(round)} ${String(i)}`)
            .digest();
          const offset = half * 32 * MIB + (slot.readUInt16LE(0) & ~7) * 512 + i * 512;
          const data = Buffer.alloc(512, slot);
          content.set(offset, data);
          return { id: id++, handle: 1, op: 2 as const, offset, length: 512, data };
        });
        stream.send({ requests });
        await stream.repliesOf(id);
      }
      const written = [...content];
      const firstRead = id;
      for (let at = 0; at < written.length; at += 64) {
        stream.send({
          requests: written
            .slice(at, at + 64)
            .map(([offset]) => ({ id: id++, handle: 1, op: 1 as const, offset, length: 512 })),
        });
        await stream.repliesOf(id);
      }
      expect(stream.replies.every((reply) => reply.code === CODES.OK)).toBe(true);
      for (const [i, [, data]] of written.entries()) {
        expect((await stream.reply(firstRead + i)).data.equals(data)).toBe(true);
      }
    });
    await Promise.all(clients);
  });

  test('what only the device knows: range, alignment, unknown tags, a drain, a timeout in queue', async () => {
    await using service = await RunningService.start();
    await create(service, {
      name: 'hdd0',
      simulation: { kind: 'hdd', sizeBytes: 1_024 * MIB },
      settings: { depth: 1, unknownTags: 'reject' },
    });
    await put(service, { device: '*', tag: 'acme', shares: 10 });
    const stream = service.connect();
    stream.send({
      hello: {},
      open: [
        { handle: 1, device: 'hdd0', tag: 'acme' },
        { handle: 2, device: 'hdd0', tag: 'stranger' },
      ],
    });
    await stream.until(() => stream.credit(1) !== undefined);
    expect(stream.opened.map((opened) => opened.code)).toEqual([CODES.OK, CODES.NOT_FOUND]);
    const at = (id: number, offset: number, more = {}) => ({
      id,
      handle: 1,
      op: 1 as const,
      offset,
      length: 512,
      ...more,
    });
    stream.send({
      requests: [
        at(1, 1_024 * MIB),
        at(2, 7),
        at(3, 0, { length: 100 }),
        at(4, 0),
        // Seeks enough ahead of it that its time is over before its turn, however late a busy machine looks.
        ...Array.from({ length: 30 }, (_, i) => at(10 + i, ((i * 331) % 1_000) * MIB)),
        at(5, 512 * MIB, { queueTimeoutUs: 1 }),
      ],
    });
    await stream.repliesOf(35);
    const codes = new Map(stream.replies.map((reply) => [reply.id, reply.code]));
    expect([1, 2, 3, 4, 5].map((id) => codes.get(id))).toEqual([
      CODES.OUT_OF_RANGE,
      CODES.INVALID_ARGUMENT,
      CODES.INVALID_ARGUMENT,
      CODES.OK,
      CODES.DEADLINE_EXCEEDED,
    ]);
    const [submitted] = [
      await failure(call((done) => service.io.Submit({ device: 'hdd0', request: { ...at(6, 7), tag: 'acme' } }, done))),
    ];
    expect(submitted).toMatchObject({ grpc: status.INVALID_ARGUMENT, details: { code: 'INVALID_ARGUMENT' } });
    await call((done) => service.devices.Drain({ name: 'hdd0' }, done));
    stream.send({ requests: [at(7, 0)] });
    expect((await stream.reply(7)).code).toBe(CODES.DRAINING);
  });

  test('a range of TRIM past the largest I/O is one request', async () => {
    await using service = await RunningService.start();
    await createNull(service);
    const stream = service.connect();
    stream.send({ hello: {}, open: [{ handle: 1, device: 'null0', tag: 'acme' }] });
    await stream.until(() => stream.credit(1) !== undefined);
    stream.send({ requests: [{ id: 1, handle: 1, op: 4, offset: 0, length: 64 * MIB }] });
    expect((await stream.repliesOf(1))[0]).toMatchObject({ id: 1, code: CODES.OK });
  });
});
