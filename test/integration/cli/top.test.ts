/** `sluice top` as people use it: in a terminal (a pseudo-terminal of script(1)), and in a pipe. */
import { spawn } from 'node:child_process';
import { expect, it } from 'vitest';
import { SluiceClient } from '../../../src/client/index.js';
import { SLUICE, TestService, cleanEnvironment, runSluice } from '../../support/service.js';

const CONFIG = `
devices: { disk0: { simulation: { kind: hdd } }, disk1: { simulation: { kind: 'null' } } }
policies: [{ device: disk0, tag: acme/db, shares: 300 }]
`;

/** Keeps reads outstanding until it is stopped. */
async function readers(grpc: string, tags: readonly string[]): Promise<() => Promise<void>> {
  const client = await SluiceClient.connect(grpc);
  let stopped = false;
  const loops = tags.map(async (tag, i) => {
    const handle = await client.open('disk0', tag);
    for (let n = 0; !stopped; n++) await handle.read((i * 1_000 + n) * 4_096, 4_096);
  });
  return async () => {
    stopped = true;
    await Promise.all(loops);
    await client.close();
  };
}

it('is live in a terminal: draws, filters, and leaves the screen as it was', async () => {
  await using service = await TestService.start({ config: CONFIG });
  const stop = await readers(service.grpc, ['acme/db', 'acme/web', 'beta']);
  const child = spawn(
    'script',
    ['-qfec', `stty cols 120 rows 20; exec ${process.execPath} ${SLUICE} top --address ${service.grpc}`, '/dev/null'],
    { env: cleanEnvironment({ TERM: 'xterm' }), stdio: ['pipe', 'pipe', 'inherit'] },
  );
  let screen = '';
  child.stdout.on('data', (chunk: Buffer) => (screen += chunk.toString()));
  const seen = (text: string | RegExp): Promise<void> =>
    expect
      .poll(() => (typeof text === 'string' ? screen.includes(text) : text.test(screen)), { timeout: 20_000 })
      .toBe(true);
  await seen('\u001b[?1049h');
  await seen(/beta +100/);
  expect(screen).toMatch(/acme\/db +300/);
  screen = '';
  child.stdin.write('/acme\r');
  await seen(/filter acme: 2/);
  child.stdin.write('d');
  await seen('disk1');
  child.stdin.write('q');
  const code = await new Promise((resolve) => child.once('close', resolve));
  expect(code).toBe(0);
  expect(screen).toContain('\u001b[?1049l');
  await stop();
});

it('prints one interval where there is no terminal, and says which devices there are', async () => {
  await using service = await TestService.start({ config: CONFIG });
  const stop = await readers(service.grpc, ['acme/db', 'beta']);
  const table = await runSluice(['top', '--address', service.grpc, '--device', 'disk0']);
  expect(table.code).toBe(0);
  expect(table.stdout).toMatch(/^acme\/db +300 /m);
  const json = await runSluice(['top', '--address', service.grpc, '--json', '--filter', 'beta']);
  const { device, tags } = JSON.parse(json.stdout) as { device: string; tags: { tag: string }[] };
  expect([device, tags.map(({ tag }) => tag)]).toEqual(['disk0', ['beta']]);
  await stop();
  const wrong = await runSluice(['top', '--address', service.grpc, '--device', 'disk9']);
  expect(wrong.code).not.toBe(0);
  expect(wrong.stderr).toContain('one of disk0, disk1');
});
