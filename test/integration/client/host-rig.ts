/** A host in this process: the service's own parts behind its gRPC door, on a free port. */
import { randomUUID } from 'node:crypto';
import { assemble, type Assembled } from '../../../src/app/assemble.js';
import { RealClock } from '../../../src/clock/real.js';
import { DEFAULT_SETTINGS, DEFAULT_SIMULATION, type DeviceSettingsPatch } from '../../../src/core/model/device.js';
import { patchSettings } from '../../../src/core/model/device.js';
import { MIB } from '../../../src/core/model/units.js';
import { makeDeviceFactory, type BindingSpec } from '../../../src/devices/factory.js';
import { GrpcDoor } from '../../../src/doors/grpc/door.js';
import { DEFAULT_IO_LIMITS, type IoLimits } from '../../../src/doors/grpc/limits.js';
import { quiet } from '../../support/dispatcher-rig.js';

export const DISK_BYTES = 64 * MIB;

export interface HostOptions {
  readonly limits?: Partial<IoLimits>;
  readonly settings?: DeviceSettingsPatch;
  readonly bindings?: Record<string, BindingSpec>;
  /** The port of a host that was there before. */
  readonly port?: number;
}

export class HostRig implements AsyncDisposable {
  readonly address: string;
  readonly port: number;
  readonly hostId: string;
  readonly door: GrpcDoor;
  readonly assembled: Assembled;

  private constructor(assembled: Assembled, door: GrpcDoor, port: number, hostId: string) {
    this.assembled = assembled;
    this.door = door;
    this.port = port;
    this.address = `127.0.0.1:${String(port)}`;
    this.hostId = hostId;
  }

  /** With `disk0`, a simulated SSD, `null0`, and a device for each binding. */
  static async start(options: HostOptions = {}): Promise<HostRig> {
    const clock = new RealClock();
    const bindings = options.bindings ?? {};
    const settings = patchSettings(DEFAULT_SETTINGS, options.settings ?? {});
    const simulation = { ...DEFAULT_SIMULATION, sizeBytes: DISK_BYTES };
    const assembled = await assemble({
      clock,
      logger: quiet,
      factory: makeDeviceFactory(bindings, clock),
      devices: [
        { name: 'disk0', target: { simulation: { ...simulation, kind: 'ssd' } }, settings },
        { name: 'null0', target: { simulation: { ...simulation, kind: 'null' } }, settings },
        ...Object.keys(bindings).map((binding) => ({ name: binding, target: { binding }, settings })),
      ],
      policies: [],
    });
    const hostId = randomUUID();
    const door = new GrpcDoor({
      devices: assembled.host,
      policies: assembled.policies,
      deviceAdmin: assembled.devices,
      usage: assembled.usage,
      clock,
      logger: quiet,
      hostId,
      limits: { ...DEFAULT_IO_LIMITS, ...options.limits },
    });
    const port = await door.listen(`127.0.0.1:${String(options.port ?? 0)}`);
    return new HostRig(assembled, door, port, hostId);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.door.close();
    await this.assembled.close();
  }
}
