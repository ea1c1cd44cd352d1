/** The door over the service's own parts, with stubs of all services. */
import { credentials, type ServiceError } from '@grpc/grpc-js';
import { assemble, type Assembled } from '../../../src/app/assemble.js';
import { RealClock } from '../../../src/clock/real.js';
import { makeDeviceFactory } from '../../../src/devices/factory.js';
import { GrpcDoor } from '../../../src/doors/grpc/door.js';
import { DEFAULT_IO_LIMITS } from '../../../src/doors/grpc/limits.js';
import { decodeStatusDetails, type StatusDetails } from '../../../src/wire/status-details.js';
import { SILENT } from './harness.js';
import { OWN_CONNECTION, RawStream, stubs } from './raw-client.js';

type Stubs = ReturnType<typeof stubs>;

export class RunningService {
  readonly door: GrpcDoor;
  readonly address: string;
  readonly io: InstanceType<Stubs['IoService']>;
  readonly policies: InstanceType<Stubs['PolicyService']>;
  readonly devices: InstanceType<Stubs['DeviceService']>;
  readonly usage: InstanceType<Stubs['UsageService']>;
  readonly #assembled: Assembled;
  readonly #streams: RawStream[] = [];

  private constructor(door: GrpcDoor, address: string, assembled: Assembled) {
    this.door = door;
    this.address = address;
    this.#assembled = assembled;
    const types = stubs();
    const insecure = credentials.createInsecure();
    this.io = new types.IoService(address, insecure, OWN_CONNECTION);
    this.policies = new types.PolicyService(address, insecure, OWN_CONNECTION);
    this.devices = new types.DeviceService(address, insecure, OWN_CONNECTION);
    this.usage = new types.UsageService(address, insecure, OWN_CONNECTION);
  }

  static async start(): Promise<RunningService> {
    const clock = new RealClock();
    const factory = makeDeviceFactory({}, clock);
    const assembled = await assemble({ clock, logger: SILENT, factory, devices: [], policies: [] });
    const door = new GrpcDoor({
      devices: assembled.host,
      policies: assembled.policies,
      deviceAdmin: assembled.devices,
      usage: assembled.usage,
      clock,
      logger: SILENT,
      hostId: 'host-1',
      limits: DEFAULT_IO_LIMITS,
    });
    const port = await door.listen('127.0.0.1:0');
    return new RunningService(door, `127.0.0.1:${String(port)}`, assembled);
  }

  connect(): RawStream {
    const stream = new RawStream(this.address);
    this.#streams.push(stream);
    return stream;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const stream of this.#streams) stream[Symbol.dispose]();
    for (const client of [this.io, this.policies, this.devices, this.usage]) client.close();
    await this.door.close();
    await this.#assembled.close();
  }
}

/** A call as a promise; rejects with the ServiceError. */
export function call<Response>(
  start: (callback: (error: ServiceError | null, response?: Response) => void) => unknown,
): Promise<Response> {
  return new Promise((resolve, reject) =>
    start((error, response) => {
      if (error === null) resolve(response!);
      else reject(error);
    }),
  );
}

/** What a call that must fail says. */
export async function failure(work: Promise<unknown>): Promise<{ grpc: number; details: StatusDetails | null }> {
  const error = await work.then(
    () => Promise.reject(new Error('the call succeeded')),
    (reason: unknown) => reason as ServiceError,
  );
  const bytes = error.metadata.get('grpc-status-details-bin')[0];
  return { grpc: error.code, details: bytes instanceof Buffer ? decodeStatusDetails(bytes) : null };
}
