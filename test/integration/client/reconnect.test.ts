import { describe, expect, it } from 'vitest';
import { SluiceClient, SluiceError, type ConnectionEvent } from '../../../src/client/index.js';
import { KIB } from '../../../src/core/model/units.js';
import { HostRig } from './host-rig.js';

const QUICK = { backoffInitialMs: 5, backoffMaxMs: 50 } as const;

/** Resolves with the next event of the kind. */
class Events {
  readonly seen: ConnectionEvent[] = [];
  private waiting: { kind: ConnectionEvent['kind']; resolve: (event: ConnectionEvent) => void }[] = [];
  readonly listener = (event: ConnectionEvent): void => {
    this.seen.push(event);
    for (const each of this.waiting.filter(({ kind }) => kind === event.kind)) each.resolve(event);
    this.waiting = this.waiting.filter(({ kind }) => kind !== event.kind);
  };

  next(kind: ConnectionEvent['kind']): Promise<ConnectionEvent> {
    return new Promise((resolve) => this.waiting.push({ kind, resolve }));
  }
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'OK',
    (error: unknown) => (error as SluiceError).code,
  );
}

describe('hosts that come and go', () => {
  it('a drain is not seen by callers: what is out is finished, the rest goes to the next host', async () => {
    await using first = await HostRig.start();
    await using second = await HostRig.start();
    await using client = await SluiceClient.connect([first.address, second.address], QUICK);
    const disk = await client.open('null0', 'acme');
    let draining: Promise<void> | null = null;
    for (let round = 0; round < 30; round++) {
      const batch = Array.from({ length: 50 }, (_, i) =>
        i % 2 === 0 ? disk.read(i * 4 * KIB, 4 * KIB) : disk.write(i * 4 * KIB, Buffer.alloc(4 * KIB)),
      );
      if (round === 10) draining = first.door.drain(5_000);
      await Promise.all(batch);
    }
    await draining;
    expect(client.address).toBe(second.address);
    await disk.close();
  });

  it('a host that restarts at its address is found again; its handles are opened again', async () => {
    const events = new Events();
    const first = await HostRig.start();
    await using client = await SluiceClient.connect(first.address, { ...QUICK, onConnection: events.listener });
    const disk = await client.open('disk0', 'acme');
    await disk.write(0, Buffer.alloc(4 * KIB, 7));
    const lost = events.next('lost');
    await first[Symbol.asyncDispose]();
    await lost;
    const read = disk.read(0, 4 * KIB);
    await using second = await HostRig.start({ port: first.port });
    // A simulated disk forgets; the read is served all the same.
    expect(await read).toHaveLength(4 * KIB);
    expect(second.door.streams).toBe(1);
    expect(await codeOf(disk.flush())).toBe('OUTCOME_UNKNOWN');
    expect(await codeOf(disk.flush())).toBe('OK');
    expect(events.seen.filter(({ kind }) => kind === 'welcomed')).toHaveLength(2);
  });

  it('in an outage pending requests end after maxOutageMs, and the client recovers', async () => {
    const events = new Events();
    const first = await HostRig.start();
    const options = { ...QUICK, maxOutageMs: 1_000, onConnection: events.listener };
    await using client = await SluiceClient.connect(first.address, options);
    const disk = await client.open('null0', 'acme');
    const lost = events.next('lost');
    await first[Symbol.asyncDispose]();
    await lost;
    expect(client.connected).toBe(false);
    const pending = [disk.read(0, 512), disk.write(0, Buffer.alloc(512))];
    expect(await Promise.all(pending.map(codeOf))).toEqual(['DEADLINE_EXCEEDED', 'DEADLINE_EXCEEDED']);
    expect(await codeOf(disk.read(0, 512))).toBe('DEADLINE_EXCEEDED');
    expect(await codeOf(client.open('null0', 'acme'))).toBe('DEADLINE_EXCEEDED');
    const welcomed = events.next('welcomed');
    await using second = await HostRig.start({ port: first.port });
    await welcomed;
    await disk.read(0, 512);
    expect(second.door.streams).toBe(1);
  });

  it('close waits for what is out; nothing of the client is left at the host', async () => {
    await using host = await HostRig.start();
    const client = await SluiceClient.connect(host.address);
    const disk = await client.open('disk0', 'acme');
    const writes = Array.from({ length: 300 }, (_, i) => disk.write(i * 4 * KIB, Buffer.alloc(4 * KIB, i)));
    const closed = client.close();
    await Promise.all(writes);
    await closed;
    expect(await codeOf(disk.read(0, 512))).toBe('CANCELLED');
    expect(await codeOf(client.open('disk0', 'acme'))).toBe('CANCELLED');
    await expect.poll(() => host.door.streams).toBe(0);
  });

  it('destroy answers at once', async () => {
    await using host = await HostRig.start({ settings: { depth: 1 } });
    const client = await SluiceClient.connect(host.address);
    const disk = await client.open('disk0', 'acme');
    const reads = Array.from({ length: 500 }, () => codeOf(disk.read(0, 64 * KIB)));
    client.destroy();
    expect(new Set(await Promise.all(reads))).toEqual(new Set(['CANCELLED']));
    await client.close();
  });
});
