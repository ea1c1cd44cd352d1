/** NBD under TLS: asked for before anything else, and with a CA only for who has its certificate. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RealClock } from '../../../src/clock/real.js';
import { OPS } from '../../../src/core/model/request.js';
import { openNbdDevice } from '../../../src/devices/nbd/open.js';
import { encodeOption } from '../../../src/wire/nbd/options.js';
import { OPTION_REPLIES } from '../../../src/wire/nbd/protocol.js';
import { ioOf } from '../../conformance/device-suite.js';
import { TestService } from '../../support/service.js';
import { FakeRig, until } from './rig.js';
import { RawNbd } from './raw-client.js';

const present = spawnSync('openssl', ['version'], { stdio: 'ignore' }).status === 0;
const nbdinfo = spawnSync('nbdinfo', ['--version'], { stdio: 'ignore' }).status === 0;
let folder = '';
const file = (name: string): string => join(folder, name);

describe.skipIf(!present)('TLS', () => {
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'sluice-tls-'));
    const made = spawnSync(
      'openssl',
      ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'].concat([
        ...['-keyout', file('server-key.pem'), '-out', file('server-cert.pem'), '-subj', '/CN=localhost'],
        ...['-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'],
      ]),
      { encoding: 'utf8' },
    );
    expect(made.status, made.stderr).toBe(0);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const identity = (): { cert: Buffer; key: Buffer } => ({
    cert: readFileSync(file('server-cert.pem')),
    key: readFileSync(file('server-key.pem')),
  });

  test('without it nothing is answered; under it all is, and what was agreed before is forgotten', async () => {
    await using rig = await FakeRig.start({ tls: identity() });
    using client = await RawNbd.connect(rig.port);
    for (const option of [
      { kind: 'list' } as const,
      { kind: 'structured-reply' } as const,
      { kind: 'go', name: 'disk0@a', infos: [] } as const,
    ]) {
      expect(await client.ask(option)).toMatchObject([{ type: OPTION_REPLIES.ERR_TLS_REQD }]);
    }
    expect(await client.ask({ kind: 'starttls' })).toMatchObject([{ type: OPTION_REPLIES.ACK }]);
    await client.secure({ ca: identity().cert, servername: 'localhost' });
    expect(await client.ask({ kind: 'starttls' })).toMatchObject([{ type: OPTION_REPLIES.ERR_INVALID }]);
    expect((await client.ask({ kind: 'go', name: 'disk0@a', infos: [] })).at(-1)).toMatchObject({
      type: OPTION_REPLIES.ACK,
    });
    client.begin();
    const { errno, data } = await client.read(0, 4_194_304);
    expect([errno, data.length]).toEqual([0, 4_194_304]);
    expect(await client.write(0, data)).toMatchObject({ errno: 0 });
  });

  test('EXPORT_NAME without it, and bytes put in behind STARTTLS, end the connection', async () => {
    await using rig = await FakeRig.start({ tls: identity() });
    using client = await RawNbd.connect(rig.port);
    await expect(client.exportName('disk0@a')).rejects.toThrow('the connection ended');
    using other = await RawNbd.connect(rig.port);
    other.socket.write(Buffer.concat([encodeOption({ kind: 'starttls' }), encodeOption({ kind: 'list' })]));
    await other.closed;
    await until(() => rig.door.connections === 0);
  });

  test('with a CA a client without a certificate is not let in, one with it is', async () => {
    const mine = identity();
    await using rig = await FakeRig.start({ tls: { ...mine, ca: mine.cert } });
    using stranger = await RawNbd.connect(rig.port);
    await stranger.ask({ kind: 'starttls' });
    await stranger.secure({ ca: mine.cert, servername: 'localhost' }).catch(() => undefined);
    await expect(stranger.ask({ kind: 'list' })).rejects.toThrow('the connection ended');
    using known = await RawNbd.connect(rig.port);
    await known.ask({ kind: 'starttls' });
    await known.secure({ ...mine, ca: mine.cert, servername: 'localhost' });
    expect((await known.ask({ kind: 'list' })).at(-1)).toMatchObject({ type: OPTION_REPLIES.ACK });
  });

  test.skipIf(!nbdinfo)('nbdinfo reads through it; a certificate that is not there is named at the start', async () => {
    const tls = `nbd_tls: { cert: ${file('server-cert.pem')}, key: ${file('server-key.pem')} }`;
    const devices = "devices: { d: { simulation: { kind: 'null', size_bytes: 1048576 } } }";
    const config = `listen: { nbd: '127.0.0.1:0', ${tls} }\n${devices}`;
    await using service = await TestService.start({ config });
    const pki = mkdtempSync(join(folder, 'pki-'));
    const copied = spawnSync('cp', [file('server-cert.pem'), join(pki, 'ca-cert.pem')]);
    expect(copied.status).toBe(0);
    const uri = `nbds://${service.nbd}/d@a?tls-certificates=${pki}`;
    const info = spawnSync('nbdinfo', ['--json', uri], { encoding: 'utf8', timeout: 20_000 });
    expect(info.status, info.stderr).toBe(0);
    expect(JSON.parse(info.stdout)).toMatchObject({ TLS: true, exports: [{ 'export-size': 1_048_576 }] });
    const missing = config.replace('server-key.pem', 'no-such.pem');
    await expect(TestService.start({ config: missing })).rejects.toThrow(/listen\.nbd_tls\.key must be a file/);
  });

  test('an nbd device goes through it, where the certificate is that of the host', async () => {
    const mine = identity();
    await using rig = await FakeRig.start({ tls: { ...mine, ca: mine.cert } });
    const uri = `nbds://127.0.0.1:${String(rig.port)}/disk0@a`;
    const files = { ca: file('server-cert.pem'), cert: file('server-cert.pem'), key: file('server-key.pem') };
    const clock = new RealClock();
    const device = await openNbdDevice({ uri, tls: files }, clock);
    const io = ioOf(OPS.READ, 0, 4_096, clock.nowNs());
    expect(await new Promise((resolve) => device.submit(io, (_io, code) => resolve(code)))).toBe('OK');
    await device.close();
    for (const [tls, message] of [
      [{ ...files, ca: undefined }, /does not open: .*self-signed/],
      [{ ...files, serverName: 'elsewhere' }, /does not open: .*altnames/],
      [{ ca: files.ca }, /does not open/],
      [{ ...files, ca: '/no-such-file' }, /^tls\.ca must be a file that can be read/],
      [{ key: files.key }, /^tls must be with both cert and key/],
    ] as const) {
      const given = Object.fromEntries(Object.entries(tls).filter(([, value]) => value !== undefined));
      await expect(openNbdDevice({ uri, tls: given }, clock)).rejects.toThrow(message);
    }
    const plain = openNbdDevice({ uri: uri.replace('nbds', 'nbd') }, clock);
    await expect(plain).rejects.toThrow('wants TLS: nbds:// asks for it');
  });
});
