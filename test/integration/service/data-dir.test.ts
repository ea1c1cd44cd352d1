/** What a service with a data folder still knows after it was stopped, killed, or ran out of disk. */
import { readFileSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { SluiceClient, SluiceError, type Handle } from '../../../src/client/index.js';
import { MIB } from '../../../src/core/model/units.js';
import { Mounted, canMount } from '../../support/loop.js';
import { TestService, runSluice } from '../../support/service.js';
import { TempFolder } from '../../support/temp-folder.js';

const CONFIG = `
fence_ms: 200
devices: { nil: { simulation: { kind: 'null' }, depth: 8 } }
policies: [{ device: '*', tag: acme/db, shares: 300 }]
`;
/** The longest that a kill takes of what was counted: a flush interval, with room for a loaded machine's writes. */
const FLUSH_MS_MAX = 4_000;

const serve = (folder: string, data: string, grpc?: string): Promise<TestService> =>
  TestService.start({ config: CONFIG, folder, args: ['--data-dir', data], ...(grpc !== undefined && { grpc }) });

/** Reads and writes for ever, and what was answered of them. */
class Tenant {
  readonly tag: string;
  readonly #handle: Handle;
  reads = 0;
  writes = 0;
  bytes = 0;
  /** Answered so far, now and then. */
  readonly history: { atMs: number; answered: number }[] = [];

  constructor(tag: string, handle: Handle) {
    this.tag = tag;
    this.#handle = handle;
  }

  get answered(): number {
    return this.reads + this.writes;
  }

  async work(goOn: () => boolean): Promise<void> {
    for (let i = 0; goOn(); i++) {
      const length = 4_096 * (1 + (i % 4));
      try {
        if (i % 3 === 0) {
          await this.#handle.write(0, Buffer.alloc(length));
          this.writes += 1;
        } else {
          await this.#handle.read(0, length);
          this.reads += 1;
        }
        this.bytes += length;
      } catch (error) {
        // Between two lives of the service: never taken, so never counted.
        if (!(error instanceof SluiceError) || !['DRAINING', 'CANCELLED', 'STORE_UNAVAILABLE'].includes(error.code)) {
          throw error;
        }
      }
      if (i % 50 === 0) this.history.push({ atMs: Date.now(), answered: this.answered });
    }
  }
}

async function usageOf(client: SluiceClient): Promise<Map<string, { reads: number; writes: number; bytes: number }>> {
  const found = new Map<string, { reads: number; writes: number; bytes: number }>();
  for await (const { tag, ops } of client.usage.query({ device: 'nil' })) {
    const of = (op: number): { count: number; bytes: number } =>
      ops.find((each) => each.op === op) ?? { count: 0, bytes: 0 };
    found.set(tag, { reads: of(1).count, writes: of(2).count, bytes: of(1).bytes + of(2).bytes });
  }
  return found;
}

async function untilWorked(tenants: readonly Tenant[], more: number): Promise<void> {
  const target = tenants.map(({ answered }) => answered + more);
  while (tenants.some(({ answered }, i) => answered < target[i]!)) await sleep(10);
}

describe('a service with a data folder', () => {
  test('has counted what its clients counted, to the request and the byte, over restarts under load', async () => {
    using folder = new TempFolder();
    const data = join(folder.path, 'data');
    let service = await serve(folder.path, data);
    const client = await SluiceClient.connect(service.grpc, { maxOutageMs: 20_000 });
    try {
      const tags = ['acme/db', 'acme/web', 'acme', 'beta'];
      const tenants = await Promise.all(tags.map(async (tag) => new Tenant(tag, await client.open('nil', tag))));
      let restarts = 0;
      const work = Promise.all(tenants.flatMap((tenant) => [1, 2, 3].map(() => tenant.work(() => restarts < 3))));
      for (; restarts < 3; restarts++) {
        await untilWorked(tenants, 150);
        expect(await service.end('SIGTERM')).toBe(0);
        service = await serve(folder.path, data, service.grpc);
      }
      await work;
      expect(await service.end('SIGTERM')).toBe(0);
      service = await serve(folder.path, data, service.grpc);
      const counted = await usageOf(client);
      for (const { tag, reads, writes, bytes } of tenants) {
        expect(counted.get(tag === 'acme' ? 'acme/.' : tag), tag).toEqual({ reads, writes, bytes });
      }
      const all = [...counted.values()].reduce((sum, { reads, writes }) => sum + reads + writes, 0);
      let stepped = 0;
      const toMs = (Math.floor(Date.now() / 60_000) + 1) * 60_000;
      for await (const { ops } of client.usage.query({ fromMs: toMs - 600_000, toMs, stepMs: 1_000, groupLevel: 1 })) {
        for (const op of ops) stepped += op.count;
      }
      expect(stepped).toBe(all);
    } finally {
      client.destroy();
      await service[Symbol.asyncDispose]();
    }
  }, 120_000);

  test('loses to a kill at most what the last flush had not written, and no policy that was answered', async () => {
    using folder = new TempFolder();
    const data = join(folder.path, 'data');
    let service = await serve(folder.path, data);
    const client = await SluiceClient.connect(service.grpc, { maxOutageMs: 20_000 });
    try {
      const tenant = new Tenant('acme/web', await client.open('nil', 'acme/web'));
      let stop = false;
      const work = tenant.work(() => !stop).catch((error: unknown) => error);
      await client.policies.delete('*', 'acme/db');
      const answered: string[] = [];
      const setting = (async () => {
        for (let i = 0; ; i++) {
          const tag = `tenant-${String(i)}`;
          await client.policies.put({ device: '*', tag, shares: 1 + i });
          answered.push(tag);
        }
      })().catch(() => undefined);
      await sleep(FLUSH_MS_MAX + 1_500);
      expect(await service.end('SIGKILL')).toBe('SIGKILL');
      const killedMs = Date.now();
      stop = true;
      const atKill = tenant.answered;
      service = await serve(folder.path, data, service.grpc);
      const again = await SluiceClient.connect(service.grpc);
      const counted = await usageOf(again);
      const kept = counted.get('acme/web')!;
      const sure = tenant.history.filter(({ atMs }) => atMs < killedMs - FLUSH_MS_MAX).at(-1)!.answered;
      expect(kept.reads + kept.writes).toBeGreaterThanOrEqual(sure);
      // One request at a time: at most one was counted that nobody heard of.
      expect(kept.reads + kept.writes).toBeLessThanOrEqual(atKill + 1);
      expect(answered.length).toBeGreaterThan(3);
      for (const [i, tag] of answered.entries()) {
        expect((await again.policies.get('*', tag)).shares, tag).toBe(1 + i);
      }
      // Deleted before the kill: the configuration does not bring it back.
      await expect(again.policies.get('*', 'acme/db')).rejects.toMatchObject({ code: 'NOT_FOUND' });
      await again.close();
      client.destroy();
      await Promise.all([work, setting]);
    } finally {
      client.destroy();
      await service[Symbol.asyncDispose]();
    }
  }, 60_000);

  test('is for one process at a time, and says who has it', async () => {
    using folder = new TempFolder();
    const data = join(folder.path, 'data');
    await using service = await serve(folder.path, data);
    const second = await runSluice(['serve', '--grpc', '127.0.0.1:0', '--http', '127.0.0.1:0', '--data-dir', data]);
    expect(second.code).toBe(1);
    expect(second.stderr).toContain(`data_dir ${data} is in use by process ${String(service.child.pid)}`);
    const nowhere = await runSluice([
      'serve',
      '--grpc',
      '127.0.0.1:0',
      '--http',
      '127.0.0.1:0',
      '--data-dir',
      '/dev/null/x',
    ]);
    expect(nowhere.code).toBe(1);
    expect(nowhere.stderr).toContain('data_dir must be a folder that can be written');
    expect(nowhere.stderr.trim().split('\n')).toHaveLength(1);
  }, 30_000);

  test('says in its log and in readiness what was torn or damaged, and keeps the rest', async () => {
    using folder = new TempFolder();
    const data = join(folder.path, 'data');
    let service = await serve(folder.path, data);
    const before = await SluiceClient.connect(service.grpc);
    for (const tag of ['first', 'second', 'third', 'fourth'])
      await before.policies.put({ device: '*', tag, shares: 7 });
    await before.close();
    expect(await service.end()).toBe(0);
    const file = join(
      data,
      readdirSync(data).find((name) => name.startsWith('records-'))!,
    );
    const bytes = readFileSync(file);
    const hit = bytes.indexOf('"second"');
    bytes[hit + 1] = bytes[hit + 1]! ^ 0xff;
    writeFileSync(file, bytes);
    truncateSync(file, statSync(file).size - 3);
    service = await serve(folder.path, data, service.grpc);
    try {
      expect(service.output).toMatch(/records-000001\.log: bytes \d+ to \d+ are damaged; the records in them are lost/);
      expect(service.output).toMatch(/the last \d+ bytes are a record that was not written to its end; cut off/);
      const readiness = await (await fetch(`http://${service.http}/readyz`)).text();
      expect(readiness).toContain('are damaged');
      expect(readiness).toContain('"ready":true');
      const after = await SluiceClient.connect(service.grpc);
      const kept: string[] = [];
      for await (const { tag } of after.policies.list()) kept.push(tag);
      expect(kept).toEqual(['acme/db', 'first', 'third']);
      await after.close();
    } finally {
      await service[Symbol.asyncDispose]();
    }
  });

  test.runIf(canMount)(
    'serves on when its disk is full, says so once, and writes all of it when there is room',
    async () => {
      using folder = new TempFolder();
      using disk = Mounted.tmpfs(MIB);
      const data = join(disk.folder, 'data');
      let service = await serve(folder.path, data);
      const client = await SluiceClient.connect(service.grpc);
      try {
        const ballast = join(disk.folder, 'ballast');
        fill(ballast);
        const tenant = new Tenant('acme/web', await client.open('nil', 'acme/web'));
        let stop = false;
        const busy = tenant.work(() => !stop).catch((error: unknown) => error);
        const said = (what: string): number => service.output.split(what).length - 1;
        while (said('usage cannot be written to data_dir') === 0) await sleep(50);
        await untilWorked([tenant], 500);
        // The last page of the file may have room for some.
        const refused = await firstRefused(client);
        await expect(client.policies.get('*', refused)).rejects.toMatchObject({ code: 'NOT_FOUND' });
        expect(await (await fetch(`http://${service.http}/readyz`)).text()).toContain('cannot be written: ENOSPC');
        await sleep(2_500);
        rmSync(ballast);
        while (said('usage is written to data_dir again') === 0) await sleep(50);
        await client.policies.put({ device: '*', tag: refused, shares: 6 });
        stop = true;
        expect(await busy).toBeUndefined();
        expect(said('usage cannot be written to data_dir')).toBe(1);
        expect(await (await fetch(`http://${service.http}/readyz`)).text()).not.toContain('cannot be written');
        await service.end('SIGTERM');
        service = await serve(folder.path, data, service.grpc);
        const again = await SluiceClient.connect(service.grpc);
        const { reads, writes, bytes } = tenant;
        expect((await usageOf(again)).get('acme/web')).toEqual({ reads, writes, bytes });
        expect((await again.policies.get('*', refused)).shares).toBe(6);
        expect((await again.policies.get('*', 'acme/db')).shares).toBe(300);
        await again.close();
      } finally {
        client.destroy();
        await service[Symbol.asyncDispose]();
      }
    },
    60_000,
  );
});

/** Puts policies until one is refused for lack of space. @returns its tag */
async function firstRefused(client: SluiceClient): Promise<string> {
  for (let i = 0; ; i++) {
    const tag = `late-${String(i)}`;
    try {
      await client.policies.put({ device: '*', tag, shares: 5 });
    } catch (error) {
      expect(error).toMatchObject({ code: 'NO_SPACE' });
      return tag;
    }
  }
}

/** Takes all the room there is. */
function fill(file: string): void {
  for (const size of [65_536, 4_096, 1]) {
    try {
      for (;;) writeFileSync(file, Buffer.alloc(size), { flag: 'a' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
  }
}
