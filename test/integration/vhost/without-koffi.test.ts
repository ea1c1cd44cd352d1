/** A machine without the package of the native calls: this door says so, and all else works. */
import { expect, test, vi } from 'vitest';
import { loadConfig } from '../../../src/app/config.js';
import { Service } from '../../../src/app/service.js';
import { SluiceClient } from '../../../src/client/index.js';
import { SILENT } from '../grpc/harness.js';

vi.mock('koffi', () => {
  throw new Error('it is not installed');
});

test('a configured disk keeps the service from being ready, not from serving', async () => {
  const flags = {
    listen: { grpc: '127.0.0.1:0', http: '127.0.0.1:0' },
    devices: { disk0: { simulation: { kind: 'null' } } },
    doors: { vhost: [{ socket: '/tmp/never.sock', device: 'disk0', tag: 'acme' }] },
  };
  const service = new Service(loadConfig({ file: undefined, environment: {}, flags }), SILENT);
  try {
    const { grpc } = await service.start();
    const { ready, reasons } = service.readiness();
    expect(ready).toBe(false);
    expect(reasons.join()).toMatch(/disk \/tmp\/never.sock is not served: the vhost door needs .* koffi/);
    const client = await SluiceClient.connect(grpc);
    const handle = await client.open('disk0', 'acme');
    expect(await handle.read(0, 512)).toHaveLength(512);
    await expect(client.disks.attach({ device: 'disk0', tag: 'acme' })).rejects.toMatchObject({ code: 'UNSUPPORTED' });
    expect(await client.disks.list()).toEqual([]);
    await client.close();
  } finally {
    await service.stop();
  }
});
