/** A door on a free port over fake devices. */
import { RealClock } from '../../../src/clock/real.js';
import { GrpcDoor, type GrpcDoorParts } from '../../../src/doors/grpc/door.js';
import { DEFAULT_IO_LIMITS, type IoLimits } from '../../../src/doors/grpc/limits.js';
import type { Logger } from '../../../src/core/ports.js';
import type { ClientFrame } from '../../../src/wire/gen/sluice/v1/ClientFrame.js';
import { FakeDevice, FakeDevices } from './fake-device.js';
import { RawStream } from './raw-client.js';

export const SILENT: Logger = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** Use cases that a test does not call. */
const ABSENT = new Proxy({}, { get: (_, name) => () => Promise.reject(new Error(`${String(name)} is not expected`)) });

export class Harness {
  readonly device = new FakeDevice('disk0');
  readonly door: GrpcDoor;
  address = '';
  readonly #streams: RawStream[] = [];

  private constructor(limits: Partial<IoLimits>, parts: Partial<GrpcDoorParts>) {
    this.door = new GrpcDoor({
      devices: new FakeDevices(this.device),
      policies: ABSENT as GrpcDoorParts['policies'],
      deviceAdmin: ABSENT as GrpcDoorParts['deviceAdmin'],
      usage: ABSENT as GrpcDoorParts['usage'],
      clock: new RealClock(),
      logger: SILENT,
      hostId: 'host-1',
      limits: { ...DEFAULT_IO_LIMITS, ...limits },
      ...parts,
    });
  }

  static async start(limits: Partial<IoLimits> = {}, parts: Partial<GrpcDoorParts> = {}): Promise<Harness> {
    const harness = new Harness(limits, parts);
    harness.address = `127.0.0.1:${String(await harness.door.listen('127.0.0.1:0'))}`;
    return harness;
  }

  /** A stream that has sent nothing. */
  connect(): RawStream {
    const stream = new RawStream(this.address);
    this.#streams.push(stream);
    return stream;
  }

  /** A stream with handle 1 open on disk0 as `acme`. */
  async stream(sessionId: Uint8Array = new Uint8Array(0)): Promise<RawStream> {
    const stream = this.connect();
    stream.send({ hello: { sessionId }, open: [{ handle: 1, device: 'disk0', tag: 'acme' }] });
    await stream.until(() => stream.credit(1) !== undefined);
    return stream;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const stream of this.#streams) stream[Symbol.dispose]();
    await this.door.close();
  }
}

type Request = NonNullable<ClientFrame['requests']>[number];

export function read(id: number, more: Partial<Request> = {}): Request {
  return { id, handle: 1, op: 1, offset: 0, length: 512, ...more };
}

export function write(id: number, more: Partial<Request> = {}): Request {
  const { length = 512 } = more;
  return { id, handle: 1, op: 2, offset: 0, length, data: Buffer.alloc(Number(length)), ...more };
}

/** The event loop has turned this often: what was on its way inside the process has arrived. */
export async function turns(n: number): Promise<void> {
  for (let i = 0; i < n; i++) await new Promise((resolve) => setImmediate(resolve));
}
