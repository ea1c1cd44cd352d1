/** A disk that hangs: a server that stands still under a service, seen from a client of the NBD door. */
import { expect, test } from 'vitest';
import { SluiceClient } from '../../../src/client/index.js';
import { NBD_ERRNO } from '../../../src/wire/nbd/protocol.js';
import { RawNbd } from '../../integration/nbd/raw-client.js';
import { NbdServer, hasQemuNbd } from '../../support/nbd-servers.js';
import { TestService } from '../../support/service.js';

const DEPTH = 4;
const MIB = 1_048_576;

test.skipIf(!hasQemuNbd)(
  'its requests fail, its slots come free, and it serves again when it goes on',
  async () => {
    // Not nbdkit: it ends at times when a connection was reset before it could accept it, as those of a hung server are.
    await using server = await NbdServer.qemu(true, 'raw', MIB);
    const config = [
      "listen: { nbd: '127.0.0.1:0' }",
      `bindings: { far: { type: nbd, uri: '${server.uri}', reconnect_ms_max: 50 } }`,
      `devices: { d: { binding: far, depth: ${String(DEPTH)}, io_timeout_ms: 400 } }`,
    ].join('\n');
    await using service = await TestService.start({ config });
    await using control = await SluiceClient.connect(service.grpc);
    using guest = await RawNbd.open(Number(service.nbd.split(':')[1]), 'd@acme');
    expect((await guest.read(0, 512)).errno).toBe(0);
    server.signal('SIGSTOP');
    // Three times as many as there are slots: each has its turn only as slots come free.
    const reads = Array.from({ length: 3 * DEPTH }, (_, i) => guest.read(i * 4_096, 512));
    expect(new Set((await Promise.all(reads)).map(({ errno }) => errno))).toEqual(new Set([NBD_ERRNO.EIO]));
    expect(await control.devices.get('d')).toMatchObject({ outstanding: 0, queued: 0, state: 'suspect' });
    server.signal('SIGCONT');
    let errno = -1;
    while (errno !== 0) ({ errno } = await guest.read(0, 512));
    expect(await control.devices.get('d')).toMatchObject({ state: 'ready' });
  },
  60_000,
);
