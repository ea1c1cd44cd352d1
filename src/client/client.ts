/** The client of the service: one session for tagged I/O over one or several hosts, and the calls of the control plane. */
import { randomBytes } from 'node:crypto';
import { SluiceError, type ErrorCode } from '../core/model/errors.js';
import { checkDeviceName, checkTag } from '../core/model/tag.js';
import { NS_PER_MS } from '../core/model/units.js';
import { Calls } from './calls.js';
import { DeviceClient } from './devices.js';
import { DiskClient } from './disks.js';
import { GrpcNetwork } from './grpc-network.js';
import { Handle } from './handle.js';
import type { IoResult } from './io.js';
import { checkOptions, type CheckedOptions, type ClientOptions } from './options.js';
import { PolicyClient } from './policies.js';
import { Session, type SessionEvents } from './session.js';
import type { ConnectionEvent } from './status-events.js';
import { submitOnce, type TaggedIoRequest } from './submit-once.js';
import { UsageClient } from './usage.js';
import { endOfTurn, raise } from './world.js';

const SESSION_ID_BYTES = 16;

/** Refusals that no later dial changes: connect does not wait for maxOutageMs. */
const FATAL: ReadonlySet<ErrorCode> = new Set([
  'UNAUTHENTICATED',
  'PERMISSION_DENIED',
  'UNSUPPORTED',
  'INVALID_ARGUMENT',
]);

export class SluiceClient {
  readonly policies: PolicyClient;
  readonly devices: DeviceClient;
  readonly usage: UsageClient;
  readonly disks: DiskClient;
  private readonly session: Session;
  private readonly calls: Calls;
  private readonly options: CheckedOptions;
  private connecting: { resolve: () => void; reject: (error: SluiceError) => void } | null = null;
  private closing: Promise<void> | null = null;

  private constructor(options: CheckedOptions) {
    this.options = options;
    const world = {
      network: new GrpcNetwork(options),
      clock: options.clock,
      rng: options.rng,
      defer: endOfTurn,
      raise,
      sessionId: randomBytes(SESSION_ID_BYTES),
    };
    const settings = {
      addresses: options.addresses,
      backoff: { initialMs: options.backoffInitialMs, maxMs: options.backoffMaxMs },
      dialTimeoutMs: options.dialTimeoutMs,
      maxOutageMs: options.maxOutageMs,
      maxOutageNs: options.maxOutageMs * NS_PER_MS,
      resendWrites: options.resendWrites,
      flushSpansHosts: options.flushSpansHosts,
      maxPendingRequests: options.maxPendingRequests,
      maxPendingBytes: options.maxPendingBytes,
    };
    this.session = new Session(settings, world, this.sessionEvents());
    this.calls = new Calls(options, () => this.address);
    this.policies = new PolicyClient(this.calls);
    this.devices = new DeviceClient(this.calls);
    this.usage = new UsageClient(this.calls);
    this.disks = new DiskClient(this.calls);
  }

  /**
   * Connects to the first of the hosts that answers, and stays connected until close.
   * @param addresses `HOST:PORT` or `unix:PATH`, one or several hosts of one service
   * @throws (rejects) SluiceError INVALID_ARGUMENT (an option); DEADLINE_EXCEEDED where no host answers within
   * maxOutageMs, with the last error; UNAUTHENTICATED, PERMISSION_DENIED or UNSUPPORTED at once
   */
  static async connect(addresses: string | readonly string[], options: ClientOptions = {}): Promise<SluiceClient> {
    const client = new SluiceClient(checkOptions(addresses, options));
    try {
      await new Promise<void>((resolve, reject) => {
        client.connecting = { resolve, reject };
        client.session.start();
      });
    } catch (error) {
      client.destroy();
      throw error;
    }
    return client;
  }

  /** The host that requests go to now; the first of the addresses while there is none. */
  get address(): string {
    return this.session.current?.address ?? this.options.addresses[0]!;
  }

  /** Whether some host takes requests now. */
  get connected(): boolean {
    return this.session.current !== null;
  }

  /** Requests not answered yet, over all handles. */
  get pending(): number {
    return this.session.pending;
  }

  /**
   * Opens a device with a tag on the handle. The handle lives through reconnects.
   * @throws (rejects) SluiceError INVALID_ARGUMENT, NOT_FOUND, PERMISSION_DENIED, DRAINING, DEADLINE_EXCEEDED (in an outage)
   */
  async open(device: string, tag: string): Promise<Handle> {
    return Handle.open(this.session, checkDeviceName(device), checkTag(tag));
  }

  /** One request in a call of its own: no handle, never sent again. For the odd request; a handle is many times faster. */
  submitOnce(device: string, request: TaggedIoRequest): Promise<IoResult> {
    return submitOnce(this.calls, device, request);
  }

  /** Takes no new requests; resolves when all are answered and the streams ended. */
  close(): Promise<void> {
    this.closing ??= new Promise((resolve) => {
      this.session.drain(() => {
        this.destroy();
        resolve();
      });
    });
    return this.closing;
  }

  /** Ends at once: requests out that change a device are answered OUTCOME_UNKNOWN, all others CANCELLED. */
  destroy(): void {
    this.session.destroy();
    this.calls.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private sessionEvents(): SessionEvents {
    return {
      welcomed: ({ address, hostId, resumed }) => {
        this.connecting?.resolve();
        this.connecting = null;
        this.tell({ kind: 'welcomed', address, hostId, resumed });
      },
      leaving: ({ address }, reason) => this.tell({ kind: 'leaving', address, reason }),
      lost: ({ address }, error) => this.tell({ kind: 'lost', address, error }),
      dialFailed: (error) => {
        if (FATAL.has(error.code)) this.failConnect(error);
        this.tell({ kind: 'dial-failed', error });
      },
      outage: (error) => {
        this.failConnect(error);
        this.tell({ kind: 'outage', error });
      },
    };
  }

  private failConnect(error: SluiceError): void {
    this.connecting?.reject(error);
    this.connecting = null;
  }

  private tell(event: ConnectionEvent): void {
    try {
      this.options.onConnection(event);
    } catch (error) {
      raise(error);
    }
  }
}
