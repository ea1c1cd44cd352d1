/** A change of policy, of scheduler, of depth acts on what is already queued, within 100 ms. */
import { describe, expect, test } from 'vitest';
import { OPS, SluiceClient, type Handle } from '../../../src/client/index.js';
import { TestService } from '../../support/service.js';

const OUTSTANDING = 64;
const SETTLE_MS = 100;

/** Keeps so many reads out; counts those that come back while `counting`. */
class Reader {
  readonly #handle: Handle;
  #running = true;
  #place = 0;
  counting = false;
  count = 0;

  constructor(handle: Handle) {
    this.#handle = handle;
    for (let token = 0; token < OUTSTANDING; token++) this.#read(token);
  }

  stop(): void {
    this.#running = false;
  }

  /** Far from the one before, so that each costs a seek: cached reads would leave no backlog. */
  #read(token: number): void {
    this.#place = (this.#place + 7_919 * 4_194_304 + 4_096) % (this.#handle.sizeBytes - 4_096);
    this.#handle.issue(OPS.READ, this.#place - (this.#place % 4_096), 4_096, null, this, token);
  }

  replied(token: number): void {
    if (this.counting) this.count += 1;
    if (this.#running) this.#read(token);
  }
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function countFor(readers: readonly Reader[], ms: number): Promise<number[]> {
  for (const reader of readers) Object.assign(reader, { count: 0, counting: true });
  await wait(ms);
  return readers.map((reader) => {
    reader.counting = false;
    return reader.count;
  });
}

describe('under load', () => {
  test('new shares, another scheduler and another depth are in force at once', async () => {
    // Slow enough for a backlog that lasts: 64 waiting at 250 a second is a quarter of a second of queue.
    await using service = await TestService.start({
      config: 'devices: { d: { simulation: { kind: hdd }, depth: 4 } }',
    });
    const client = await SluiceClient.connect(service.grpc);
    const readers = [new Reader(await client.open('d', 'a')), new Reader(await client.open('d', 'b'))];
    await wait(200);
    const ratio = async (ms: number): Promise<number> => {
      const [a, b] = await countFor(readers, ms);
      return a! / b!;
    };
    expect(await ratio(800)).toBeGreaterThan(0.9);

    await client.policies.put({ device: 'd', tag: 'a', shares: 900 });
    await wait(SETTLE_MS);
    const favoured = await ratio(800);
    expect(favoured).toBeGreaterThan(7.5);
    expect(favoured).toBeLessThan(10.8);

    await client.policies.delete('d', 'a');
    await wait(SETTLE_MS);
    const level = await ratio(800);
    expect(level).toBeGreaterThan(0.9);
    expect(level).toBeLessThan(1.1);

    await client.devices.update('d', { depth: 1, scheduler: 'fifo' });
    await wait(SETTLE_MS);
    const device = await client.devices.get('d');
    expect(device.outstanding).toBe(1);
    expect(device.settings.scheduler).toBe('fifo');
    for (const reader of readers) reader.stop();
    await client.close();
  });
});
