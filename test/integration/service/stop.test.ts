/** How the service ends: in order, once told; at once, told twice. */
import { describe, expect, test } from 'vitest';
import { SluiceClient, SluiceError } from '../../../src/client/index.js';
import { TestService, runSluice } from '../../support/service.js';

const HDD = 'devices: { d: { simulation: { kind: hdd }, depth: 2 } }';

async function outcomes(reads: readonly Promise<unknown>[]): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const result of await Promise.allSettled(reads)) {
    const reason: unknown = result.status === 'rejected' ? result.reason : null;
    const code = result.status === 'fulfilled' ? 'OK' : reason instanceof SluiceError ? reason.code : String(reason);
    counts.set(code, (counts.get(code) ?? 0) + 1);
  }
  return counts;
}

describe('a service that is told to stop', () => {
  test('answers what is in flight, and exits with 0', async () => {
    await using service = await TestService.start({ config: HDD, args: ['--grace-ms', '20000'] });
    const client = await SluiceClient.connect(service.grpc, { maxOutageMs: 500 });
    const handle = await client.open('d', 'a');
    const reads = Array.from({ length: 40 }, (_, i) => handle.read(i * 1_048_576, 4_096));
    await reads[0];
    const ended = service.end('SIGTERM');
    const counts = await outcomes(reads);
    expect(counts).toEqual(new Map([['OK', 40]]));
    await expect(handle.read(0, 4_096)).rejects.toBeInstanceOf(SluiceError);
    client.destroy();
    expect(await ended).toBe(0);
    expect(service.output).toContain('draining');
  });

  test('gives up on what is in flight after the grace time, answers it, and exits with 0', async () => {
    await using service = await TestService.start({ config: HDD, args: ['--grace-ms', '300'] });
    const client = await SluiceClient.connect(service.grpc, { maxOutageMs: 500 });
    const handle = await client.open('d', 'a');
    const reads = Array.from({ length: 200 }, (_, i) => handle.read(i * 1_048_576, 4_096));
    await reads[0];
    const ended = service.end('SIGTERM');
    const counts = await outcomes(reads);
    expect([...counts.values()].reduce((sum, count) => sum + count, 0)).toBe(200);
    expect(counts.get('OK')).toBeLessThan(200);
    client.destroy();
    expect(await ended).toBe(0);
  });

  test('ends at once when told a second time', async () => {
    await using service = await TestService.start({ config: HDD, args: ['--grace-ms', '60000'] });
    const client = await SluiceClient.connect(service.grpc);
    const handle = await client.open('d', 'a');
    const reads = Array.from({ length: 256 }, (_, i) => handle.read(i * 1_048_576, 1_048_576));
    await reads[0];
    service.child.kill('SIGTERM');
    while (!service.output.includes('draining')) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await service.end('SIGTERM')).toBe(1);
    client.destroy();
    await Promise.allSettled(reads);
  });
});

describe('a service that cannot start', () => {
  test('says which address is taken', async () => {
    await using service = await TestService.start({ config: '' });
    const { code, stderr } = await runSluice(['serve', '--grpc', service.grpc, '--http', '127.0.0.1:0']);
    expect(code).toBe(1);
    expect(stderr).toContain(`got "${service.grpc}"`);
    const http = await runSluice(['serve', '--grpc', '127.0.0.1:0', '--http', service.http]);
    expect(http.code).toBe(1);
    expect(http.stderr).toContain(service.http);
  });

  test('names the key, the flag, the device', async () => {
    expect(await runSluice(['serve', '--workers', '2'])).toMatchObject({ code: 1 });
    expect(await runSluice(['serve', '--nonsense'])).toMatchObject({ code: 2 });
    expect((await runSluice(['serve'], { SLUICE_LISTN: 'x' })).stderr).toContain('SLUICE_LISTN');
    await expect(
      TestService.start({ config: 'devices: { d: { simulation: { kind: hdd }, dept: 4 } }' }),
    ).rejects.toThrow('unknown configuration key devices.d.dept');
  });
});
