/** An NBD door on a free port: over the parts of the service, or over a device under a test's hand. */
import { RealClock } from '../../../src/clock/real.js';
import { assemble, type Assembled } from '../../../src/app/assemble.js';
import { loadConfig } from '../../../src/app/config.js';
import type { ServedDevices } from '../../../src/core/ports.js';
import { makeDeviceFactory } from '../../../src/devices/factory.js';
import { NbdDoor } from '../../../src/doors/nbd/door.js';
import type { NbdDoorParts, PolicyLister } from '../../../src/doors/nbd/parts.js';
import { SILENT } from '../grpc/harness.js';
import { FakeDevice, FakeDevices } from '../grpc/fake-device.js';

const NO_POLICIES: PolicyLister = { list: () => Promise.resolve({ policies: [] }) };

export class FakeRig implements AsyncDisposable {
  readonly device = new FakeDevice('disk0');
  readonly door: NbdDoor;
  port = 0;

  private constructor(more: Partial<NbdDoorParts>) {
    this.door = door(new FakeDevices(this.device), NO_POLICIES, more);
  }

  /** @param at a port of loopback, 0 = a free one, or the path of a Unix socket */
  static async start(more: Partial<NbdDoorParts> = {}, at: number | string = 0): Promise<FakeRig> {
    const rig = new FakeRig(more);
    rig.port = await rig.door.listen(typeof at === 'string' ? { path: at } : { host: '127.0.0.1', port: at });
    return rig;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.door.close();
  }
}

/** The service's own parts in this process. */
export class WholeRig implements AsyncDisposable {
  readonly assembled: Assembled;
  readonly door: NbdDoor;
  port = 0;

  private constructor(assembled: Assembled, clock: RealClock) {
    this.assembled = assembled;
    this.door = door(assembled.host, assembled.policies, { clock });
  }

  /** @param flags configuration by key path, as `{ devices: { d: … } }` */
  static async start(flags: Record<string, unknown>): Promise<WholeRig> {
    const { devices, policies } = loadConfig({ file: undefined, environment: {}, flags });
    const clock = new RealClock();
    const factory = makeDeviceFactory({}, clock);
    const rig = new WholeRig(await assemble({ clock, logger: SILENT, factory, devices, policies }), clock);
    rig.port = await rig.door.listen({ host: '127.0.0.1', port: 0 });
    return rig;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.door.close();
    await this.assembled.close();
  }
}

function door(devices: ServedDevices, policies: PolicyLister, more: Partial<NbdDoorParts>): NbdDoor {
  return new NbdDoor({
    devices,
    policies,
    clock: new RealClock(),
    logger: SILENT,
    maxIoBytes: 1_048_576,
    bytesMax: 256 * 1_048_576,
    tls: null,
    ...more,
  });
}

/** Resolves when the condition holds; each look comes after a turn of the event loop. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}
