/**
 * The gRPC door: IoService, PolicyService, DeviceService, UsageService, health, reflection and
 * channelz on one port.
 *
 * A drain: GoAway on all streams, watches end, new calls are refused (DRAINING); what is out is
 * answered, then the streams end from this side and the port closes. grpc-js's own tryShutdown never
 * ends while a stream is open, so it comes last, and not without a time limit.
 */
import { Server, ServerCredentials, addAdminServicesToServer, logVerbosity, setLogVerbosity } from '@grpc/grpc-js';
import type { ServiceDefinition } from '@grpc/grpc-js';
import type { PackageDefinition } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';
import { HealthImplementation } from 'grpc-health-check';
import { SluiceError, invalid } from '../../core/model/errors.js';
import { NS_PER_MS } from '../../core/model/units.js';
import type { Clock, Logger, ServedDevices } from '../../core/ports.js';
import { packageDefinition } from '../../wire/proto.js';
import { Calls } from './calls.js';
import { deviceService } from './device-service.js';
import { diskService } from './disk-service.js';
import { IoService } from './io-service.js';
import { checkLimits, receiveBytesMax, type IoLimits } from './limits.js';
import { policyService } from './policy-service.js';
import { RECEIVE_WINDOW, raiseReceiveWindow, type ReceiveWindow } from './receive-window.js';
import { usageService } from './usage-service.js';
import type { DeviceUseCases, DiskUseCases, PolicyUseCases, UsageUseCases } from './use-cases.js';

export interface GrpcDoorParts {
  readonly devices: ServedDevices;
  readonly policies: PolicyUseCases;
  readonly deviceAdmin: DeviceUseCases;
  readonly usage: UsageUseCases;
  /** Absent where the host serves no disks: DiskService is not there then. */
  readonly disks?: DiskUseCases;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Told to clients in Welcome. */
  readonly hostId: string;
  readonly limits: IoLimits;
  /** Of the HTTP/2 connections; RECEIVE_WINDOW by default. */
  readonly receiveWindow?: ReceiveWindow;
}

const SERVICES = ['', ...['Io', 'Policy', 'Device', 'Usage'].map((name) => `sluice.v1.${name}Service`)];
/** How long the last statuses may take to reach their clients before connections are cut. */
const CLOSE_MS = 500;

export class GrpcDoor {
  readonly #parts: GrpcDoorParts;
  readonly #server: Server;
  readonly #io: IoService;
  readonly #calls = new Calls();
  readonly #health = new HealthImplementation(Object.fromEntries(SERVICES.map((name) => [name, 'SERVING'])));
  #draining: Promise<void> | null = null;
  #closing: Promise<void> | null = null;

  constructor(parts: GrpcDoorParts) {
    this.#parts = parts;
    const limits = checkLimits(parts.limits);
    const { devices, clock, hostId } = parts;
    this.#io = new IoService({ devices, clock, hostId, limits, calls: this.#calls });
    this.#server = new Server({
      'grpc.max_receive_message_length': receiveBytesMax(limits),
      'grpc.max_send_message_length': -1,
      // A peer that is gone without a word is known to be within fence_ms: half to ask, half to wait.
      ...(limits.fenceMs > 0 && {
        'grpc.keepalive_time_ms': Math.ceil(limits.fenceMs / 2),
        'grpc.keepalive_timeout_ms': Math.ceil(limits.fenceMs / 2),
      }),
    });
    if (!raiseReceiveWindow(this.#server, parts.receiveWindow ?? RECEIVE_WINDOW)) {
      parts.logger.warn({}, 'this @grpc/grpc-js does not let its receive window be raised: large writes will be slow');
    }
    this.#addServices();
  }

  /** Streams of IoService that are open. */
  get streams(): number {
    return this.#io.streams;
  }

  /**
   * Listens on HOST:PORT, port 0 = a free one.
   * @returns the port
   * @throws SluiceError INVALID_ARGUMENT where the address cannot be had
   */
  listen(address: string): Promise<number> {
    // grpc-js prints what it also returns. What it prints is still to be had by its own variable.
    if (process.env.GRPC_VERBOSITY === undefined) setLogVerbosity(logVerbosity.NONE);
    return new Promise((resolve, reject) => {
      const refuse = (error: Error): void =>
        reject(invalid('listen.grpc', `an address that is free to listen at (${error.message})`, address));
      try {
        this.#server.bindAsync(address, ServerCredentials.createInsecure(), (error, port) => {
          if (error === null) resolve(port);
          else refuse(error);
        });
      } catch (error) {
        refuse(SluiceError.from(error));
      }
    });
  }

  /** Takes nothing new, answers what is out, closes. Past the grace time the rest is cancelled. */
  drain(graceMs: number): Promise<void> {
    this.#draining ??= this.#drain(graceMs);
    return this.#draining;
  }

  /** Ends everything now: what is queued is cancelled, what is at a device is not answered. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const error = new SluiceError('DRAINING', 'this host is closing');
    void this.#calls.drain(error);
    this.#io.close(error);
    await this.#shutdown();
  }

  async #drain(graceMs: number): Promise<void> {
    const error = new SluiceError('DRAINING', 'this host is draining');
    for (const name of SERVICES) this.#health.setStatus(name, 'NOT_SERVING');
    const answered = Promise.all([this.#calls.drain(error), this.#io.drain(error, graceMs)]);
    if (!(await this.#within(answered, graceMs))) {
      this.#io.cancelQueued();
      await this.#within(answered, CLOSE_MS);
    }
    await this.close();
  }

  /** Whether it came in time. */
  #within(work: Promise<unknown>, ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = this.#parts.clock.after(ms * NS_PER_MS, () => resolve(false));
      void work.then(() => {
        timer.cancel();
        resolve(true);
      });
    });
  }

  /** Waits for statuses that are on their way, then cuts what is left, such as health watches. */
  async #shutdown(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.tryShutdown(() => resolve()));
    if (!(await this.#within(closed, CLOSE_MS))) {
      this.#server.forceShutdown();
      await closed;
    }
  }

  #addServices(): void {
    const definition = (name: string): ServiceDefinition =>
      packageDefinition()[`sluice.v1.${name}`] as ServiceDefinition;
    const { policies, deviceAdmin, usage, disks } = this.#parts;
    this.#server.addService(this.#io.definition, this.#io.handlers);
    this.#server.addService(definition('PolicyService'), policyService(policies, this.#calls));
    this.#server.addService(definition('DeviceService'), deviceService(deviceAdmin, this.#calls));
    this.#server.addService(definition('UsageService'), usageService(usage, this.#calls));
    if (disks !== undefined) this.#server.addService(definition('DiskService'), diskService(disks, this.#calls));
    this.#health.addToServer(this.#server);
    new ReflectionService(describedOnce(packageDefinition())).addToServer(this.#server);
    addAdminServicesToServer(this.#server);
  }
}

/** Each type carries all files of the contract, and reflection decodes those of each type that it is given: a start's seventh. */
function describedOnce(definition: PackageDefinition): PackageDefinition {
  const [type] = Object.entries(definition).filter(([, each]) => 'fileDescriptorProtos' in each);
  return Object.fromEntries([type!]);
}
