/** A Redis that speaks TLS alone, asks for certificates, and knows its user by a password from a file. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SluiceClient } from '../../../src/client/index.js';
import { ACL_EXAMPLE } from '../../../src/coordination/redis/requirements.js';
import { RedisServer, canRedis, eventually, freePort } from '../../support/redis.js';
import { TestService, runSluice } from '../../support/service.js';

const canTls = canRedis && spawnSync('openssl', ['version']).status === 0;

function openssl(folder: string, ...args: readonly string[]): void {
  const { status, stderr } = spawnSync('openssl', args, { cwd: folder, encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
}

/** An authority, and certificates of it for a server at 127.0.0.1 and for a host. */
function makeCertificates(folder: string): void {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl(folder, 'req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=test ca', '-days', '2');
  writeFileSync(join(folder, 'names'), 'subjectAltName=IP:127.0.0.1');
  for (const name of ['server', 'host']) {
    openssl(folder, 'req', ...key, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
    const sign = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'names'];
    openssl(folder, 'x509', '-req', '-in', `${name}.csr`, '-out', `${name}.pem`, ...sign);
  }
}

describe.skipIf(!canTls)('a store over TLS', { timeout: 60_000 }, () => {
  let redis: RedisServer;
  let folder: string;
  let store: string;
  const file = (name: string): string => join(folder, name);
  const ports = ['--grpc', '127.0.0.1:0', '--http', '127.0.0.1:0', '--log-level', 'warn'];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sluice-tls-'));
    makeCertificates(folder);
    const port = await freePort();
    redis = await RedisServer.start({
      config: [
        `tls-port ${String(port)}`,
        `tls-cert-file ${file('server.pem')}`,
        `tls-key-file ${file('server.key')}`,
        `tls-ca-cert-file ${file('ca.pem')}`,
        'tls-auth-clients yes',
        `user me on >right resetchannels -@all ${ACL_EXAMPLE}`,
      ],
    });
    store = `rediss://me@127.0.0.1:${String(port)}`;
    writeFileSync(file('password'), 'right\n');
    writeFileSync(file('wrong'), 'secret\n');
  });
  afterAll(async () => {
    await redis[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  const config = (tls: string): string => `
store: ${store}
store_tls: { ${tls} }
store_restore_ms: 0
devices: { disk0: { simulation: { kind: 'null', size_bytes: 1048576 } } }
`;
  const all = (): string => `ca: ${file('ca.pem')}, cert: ${file('host.pem')}, key: ${file('host.key')}`;

  it('serves, and is shared', async () => {
    const options = { config: config(all()), args: ['--store-password-file', file('password')] };
    await using one = await TestService.start(options);
    await using two = await TestService.start(options);
    const client = await SluiceClient.connect(one.grpc);
    await client.policies.put({ device: 'disk0', tag: 'a', shares: 7 });
    await (await client.open('disk0', 'a')).read(0, 512);
    const other = await SluiceClient.connect(two.grpc);
    expect((await other.policies.get('disk0', 'a')).shares).toBe(7);
    await eventually('both are coordinated', async () => {
      const response = await fetch(`http://${one.http}/v1/service`);
      const { hosts } = (await response.json()) as { hosts: { mode: string }[] };
      return hosts.length === 2 && hosts.every(({ mode }) => mode === 'coordinated') ? true : null;
    });
    for (const { output } of [one, two]) expect(output).not.toContain('right');
    await Promise.all([client.close(), other.close()]);
  });

  it.each<[string, () => string, string, RegExp]>([
    [
      'an authority that it does not know',
      () => `cert: ${file('host.pem')}, key: ${file('host.key')}`,
      'password',
      /is not to be reached: .*(self-signed|unable to verify)/,
    ],
    ['a wrong password', all, 'wrong', /does not take user me with this password: WRONGPASS/],
    [
      'a file that is not there',
      () => `ca: ${file('nowhere')}`,
      'password',
      /store_tls\.ca must be a file that can be read/,
    ],
  ])('does not start with %s: one line, no password', async (_, tls, password, expected) => {
    writeFileSync(file('sluice.yaml'), config(tls()));
    const args = ['serve', '--config', file('sluice.yaml'), '--store-password-file', file(password), ...ports];
    const { code, stderr } = await runSluice(args);
    expect(code).toBe(1);
    expect(stderr).toMatch(expected);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).not.toContain('secret');
  });
});
