/**
 * A server in a process of its own, forked by grpc.ts: `sluice` (the door over a null device),
 * `sluice-small-window` (the same with the receive window that grpc-js sets), `sluice-no-usage` (the
 * same without accounting), or `echo` (bare
 * grpc-js with proto-loader, which decodes each ClientFrame and answers with as many replies).
 * Tells its port to its parent; ends when its parent does.
 */
import { Server, ServerCredentials, type ServerDuplexStream, type ServiceDefinition } from '@grpc/grpc-js';
import { RealClock } from '../src/clock/real.js';
import { LocalGate } from '../src/coordination/local/gate.js';
import { Dispatcher } from '../src/core/dispatcher.js';
import { DEFAULT_SETTINGS } from '../src/core/model/device.js';
import { GIB, KIB } from '../src/core/model/units.js';
import type { Logger, ServedDevice, ServedDevices } from '../src/core/ports.js';
import type { UsageLedger } from '../src/core/model/usage.js';
import { Ledger } from '../src/core/usage.js';
import { NullDevice } from '../src/devices/sim/null-device.js';
import { GrpcDoor, type GrpcDoorParts } from '../src/doors/grpc/door.js';
import { DEFAULT_IO_LIMITS } from '../src/doors/grpc/limits.js';
import type { ClientFrame__Output } from '../src/wire/gen/sluice/v1/ClientFrame.js';
import type { IoRequest__Output } from '../src/wire/gen/sluice/v1/IoRequest.js';
import type { IoReply } from '../src/wire/gen/sluice/v1/IoReply.js';
import type { ServerFrame } from '../src/wire/gen/sluice/v1/ServerFrame.js';
import { packageDefinition } from '../src/wire/proto.js';

export type ServerKind = 'sluice' | 'sluice-small-window' | 'sluice-no-usage' | 'echo';

const clock = new RealClock();
const SILENT: Logger = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** As Node's HTTP/2 has it when nobody says otherwise. */
const SMALL_WINDOW = { streamBytes: 65_535, connectionBytes: 65_535 };

/** One null device under the service's own dispatcher, gate and accounting. */
function nullDevice(clock: RealClock, ledger: UsageLedger): ServedDevices {
  const device = new NullDevice(64 * GIB, 512);
  const dispatcher = new Dispatcher({
    name: 'null0',
    clock,
    device,
    gate: new LocalGate(clock, DEFAULT_SETTINGS, () => ({ shares: 100, selfShares: 100 })),
    ledger,
    settings: DEFAULT_SETTINGS,
    logger: SILENT,
  });
  const served: ServedDevice = {
    name: 'null0',
    record: {
      name: 'null0',
      target: { binding: 'null0' },
      settings: DEFAULT_SETTINGS,
      draining: false,
      etag: '',
      revision: 1,
    },
    state: 'ready',
    stateMessage: '',
    sizeBytes: device.sizeBytes,
    blockBytes: device.blockBytes,
    readOnly: false,
    queued: 0,
    outstanding: 0,
    refusal: () => null,
    submit: (io, tag) => dispatcher.submit(io, tag),
    cancel: (io) => dispatcher.cancel(io),
  };
  return {
    get: (name) => (name === served.name ? served : undefined),
    list: () => [served],
    settled: () => Promise.resolve(),
  };
}

function sluice(parts: Partial<GrpcDoorParts>, ledger: UsageLedger = new Ledger(clock)): Promise<number> {
  const absent = {} as never;
  const door = new GrpcDoor({
    devices: nullDevice(clock, ledger),
    policies: absent,
    deviceAdmin: absent,
    usage: absent,
    clock,
    logger: SILENT,
    hostId: 'bench',
    limits: DEFAULT_IO_LIMITS,
    ...parts,
  });
  return door.listen('127.0.0.1:0');
}

/** What the service would be without accounting. */
const UNCOUNTED: UsageLedger = { account: () => ({ record: () => undefined }) };

const READ = 1;
const ZEROS = Buffer.alloc(64 * KIB);

function echoOf(request: IoRequest__Output): IoReply {
  return {
    id: request.id,
    data: request.op === READ ? ZEROS.subarray(0, request.length) : ZEROS.subarray(0, 0),
    cost: 1,
  };
}

function echo(): Promise<number> {
  const server = new Server();
  const handlers = {
    Stream: (call: ServerDuplexStream<ClientFrame__Output, ServerFrame>) => {
      call.on('data', (frame: ClientFrame__Output) => call.write({ replies: frame.requests.map(echoOf) }));
      call.on('end', () => call.end());
    },
  };
  server.addService(packageDefinition()['sluice.v1.IoService'] as ServiceDefinition, handlers);
  return new Promise((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(port);
      else reject(error);
    }),
  );
}

const KINDS: Record<ServerKind, () => Promise<number>> = {
  echo,
  sluice: () => sluice({}),
  'sluice-small-window': () => sluice({ receiveWindow: SMALL_WINDOW }),
  'sluice-no-usage': () => sluice({}, UNCOUNTED),
};

const port = await KINDS[process.argv[2] as ServerKind]();
process.on('disconnect', () => process.exit(0));
process.send!(port);
