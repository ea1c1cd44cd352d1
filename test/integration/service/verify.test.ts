/** What was written and answered is what is read, by several clients at once, over kills of the service where the device outlives it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { SluiceClient, SluiceError, type Handle } from '../../../src/client/index.js';
import { SeededRng } from '../../../src/core/rng.js';
import { MIB } from '../../../src/core/model/units.js';
import type { Rng } from '../../../src/core/ports.js';
import { LoopDevice, canLoop } from '../../support/loop.js';
import { TestService } from '../../support/service.js';

const BLOCK = 4_096;
const BLOCKS = 64;
const CLIENTS = 3;
const WORKERS = 6;

/** Contents that name their writer, block and version; version 0 is a block never written. */
function contents(client: number, block: number, version: number): Buffer {
  if (version === 0) return Buffer.alloc(BLOCK);
  const data = Buffer.alloc(BLOCK, version % 251);
  data.writeUInt32LE(client, 0);
  data.writeUInt32LE(block, 4);
  data.writeUInt32LE(version, 8);
  return data;
}

/** One client's blocks: which versions each may hold now. More than one only after a write of unknown outcome. */
class Region {
  readonly #client: number;
  readonly #handle: Handle;
  readonly #rng: Rng;
  readonly #possible: Set<number>[] = Array.from({ length: BLOCKS }, () => new Set([0]));
  readonly #busy = new Set<number>();
  #version = 0;
  reads = 0;
  writes = 0;
  unknown = 0;

  constructor(client: number, handle: Handle, rng: Rng) {
    this.#client = client;
    this.#handle = handle;
    this.#rng = rng;
  }

  async work(goOn: () => boolean): Promise<void> {
    while (goOn()) {
      const block = this.#rng.below(BLOCKS);
      if (this.#busy.has(block)) {
        await new Promise((resolve) => setImmediate(resolve));
        continue;
      }
      this.#busy.add(block);
      if (this.#rng.next() < 0.5) await this.#write(block);
      else await this.read(block);
      this.#busy.delete(block);
    }
  }

  async readAll(): Promise<void> {
    for (let block = 0; block < BLOCKS; block++) await this.read(block);
  }

  async read(block: number): Promise<void> {
    const data = await this.#handle.read(this.#offset(block), BLOCK);
    const found = [...this.#possible[block]!].filter((version) => data.equals(contents(this.#client, block, version)));
    expect(found, `client ${String(this.#client)} block ${String(block)}: ${data.toString('hex', 0, 12)}`).toHaveLength(
      1,
    );
    // Seen once, it stays: from now on the block holds this version.
    this.#possible[block] = new Set(found);
    this.reads += 1;
  }

  async #write(block: number): Promise<void> {
    const version = ++this.#version;
    const before = this.#possible[block]!;
    before.add(version);
    try {
      await this.#handle.write(this.#offset(block), contents(this.#client, block, version));
      this.#possible[block] = new Set([version]);
      this.writes += 1;
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error;
      expect(['OUTCOME_UNKNOWN', 'DRAINING', 'CANCELLED', 'STORE_UNAVAILABLE']).toContain(error.code);
      this.unknown += 1;
    }
  }

  #offset(block: number): number {
    return (this.#client * BLOCKS + block) * BLOCK;
  }
}

async function openRegions(
  address: string,
  device: string,
  seed: number,
): Promise<{ clients: SluiceClient[]; regions: Region[] }> {
  const rng = new SeededRng(seed);
  const clients: SluiceClient[] = [];
  const regions: Region[] = [];
  for (let index = 0; index < CLIENTS; index++) {
    const client = await SluiceClient.connect(address, { maxOutageMs: 20_000 });
    clients.push(client);
    const handle = await client.open(device, `tenant-${String(index)}/app`);
    regions.push(new Region(index, handle, rng.fork(String(index))));
  }
  return { clients, regions };
}

function workers(regions: readonly Region[], goOn: () => boolean): Promise<unknown> {
  return Promise.all(regions.flatMap((region) => Array.from({ length: WORKERS }, () => region.work(goOn))));
}

describe('several clients at once', () => {
  test.each(['hdd', 'ssd'])('read what they wrote on a simulated %s', async (kind) => {
    await using service = await TestService.start({
      config: `devices: { d: { simulation: { kind: ${kind} }, depth: 8 } }`,
    });
    const { clients, regions } = await openRegions(service.grpc, 'd', 11);
    const enough = kind === 'hdd' ? 120 : 600;
    await workers(regions, () => regions.some(({ reads, writes }) => reads < enough || writes < enough));
    for (const region of regions) await region.readAll();
    expect(regions.every(({ unknown }) => unknown === 0)).toBe(true);
    for (const client of clients) await client.close();
  });

  const outliving = canLoop ? ['a file', 'a block device'] : ['a file'];
  test.each(outliving)(
    'lose no answered write on %s when the service is killed and restarted under them',
    async (on) => {
      const folder = mkdtempSync(join(tmpdir(), 'sluice-verify-'));
      using loop = on === 'a block device' ? new LoopDevice(16 * MIB) : null;
      const place = loop === null ? `path: ${join(folder, 'data.img')}, create: true` : `path: ${loop.path}`;
      const config = `
fence_ms: 300
bindings: { data: { type: file, ${place}, size_bytes: 16777216 } }
devices: { d: { binding: data, depth: 8 } }
`;
      let service = await TestService.start({ config, folder });
      try {
        const { clients, regions } = await openRegions(service.grpc, 'd', 12);
        let kills = 0;
        const work = workers(regions, () => kills < 3 || regions.some(({ writes }) => writes < 200));
        for (; kills < 3; kills++) {
          const target = regions.reduce((sum, { writes }) => sum + writes, 0) + 150;
          while (regions.reduce((sum, { writes }) => sum + writes, 0) < target) {
            await new Promise((resolve) => setTimeout(resolve, 5));
          }
          expect(await service.end('SIGKILL')).toBe('SIGKILL');
          service = await TestService.start({ config, folder, grpc: service.grpc });
        }
        await work;
        for (const region of regions) await region.readAll();
        for (const client of clients) await client.close();
        expect(await service.end()).toBe(0);
      } finally {
        await service.end('SIGKILL');
        rmSync(folder, { recursive: true, force: true });
      }
    },
    60_000,
  );
});
