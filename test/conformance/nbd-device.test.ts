/** The NBD device over servers of others, and over the NBD door of this project. */
import { RealClock } from '../../src/clock/real.js';
import { MIB } from '../../src/core/model/units.js';
import { openNbdDevice, type NbdSpec } from '../../src/devices/nbd/open.js';
import { WholeRig } from '../integration/nbd/rig.js';
import { NbdServer, hasNbdkit, hasQemuNbd } from '../support/nbd-servers.js';
import { deviceConformance, type DeviceFlags, type DeviceUnderTest } from './device-suite.js';

const SIZE_BYTES = 64 * MIB;

async function under(uri: string, dispose: () => Promise<void>, more: Partial<NbdSpec> = {}): Promise<DeviceUnderTest> {
  const clock = new RealClock();
  try {
    return { device: await openNbdDevice({ uri, ...more }, clock), clock, settle: () => undefined, dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

const over =
  (make: () => Promise<NbdServer>, more: Partial<NbdSpec> = {}) =>
  async (): Promise<DeviceUnderTest> => {
    const server = await make();
    return under(server.uri, () => server[Symbol.asyncDispose](), more);
  };

const flags = (trim: DeviceFlags['trim'], runs = 10): DeviceFlags => ({ keepsData: true, trim, runs, nesting: 2_000 });

if (hasNbdkit) {
  const size = String(SIZE_BYTES);
  deviceConformance(
    'nbd: nbdkit memory, 4 connections',
    over(() => NbdServer.nbdkit(true, 'memory', size), { connections: 4 }),
    flags('zeros'),
  );
  const least = ['blocksize-minimum=4096', 'blocksize-preferred=4096', 'blocksize-maximum=8192'];
  deviceConformance(
    'nbd: nbdkit memory, requests of 4 KiB to 8 KiB, simple replies',
    over(() => NbdServer.nbdkit(false, '--filter=blocksize-policy', '--no-sr', 'memory', size, ...least)),
    flags('zeros', 5),
  );
  deviceConformance(
    'nbd: nbdkit memory without WRITE_ZEROES and FUA',
    over(() => NbdServer.nbdkit(false, '--filter=nozero', '--filter=fua', 'memory', size)),
    flags('zeros', 5),
  );
  deviceConformance(
    'nbd: nbdkit file',
    over(() => NbdServer.nbdkitFile(SIZE_BYTES)),
    flags('zeros'),
  );
}

if (hasQemuNbd) {
  for (const tcp of [false, true]) {
    deviceConformance(
      `nbd: qemu-nbd on qcow2, ${tcp ? 'TCP' : 'a Unix socket'}`,
      over(() => NbdServer.qemu(tcp, 'qcow2', SIZE_BYTES, '--discard=unmap'), { connections: 2 }),
      flags('any', 5),
    );
  }
}

deviceConformance(
  "nbd: this project's own door",
  async () => {
    const rig = await WholeRig.start({
      devices: { d: { simulation: { kind: 'ssd', size_bytes: SIZE_BYTES }, depth: 64 } },
    });
    return under(`nbd://127.0.0.1:${String(rig.port)}/d@own`, () => rig[Symbol.asyncDispose](), { connections: 2 });
  },
  flags('zeros'),
);
