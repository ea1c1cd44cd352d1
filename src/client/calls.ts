/** Calls other than the stream: one answer, or a stream of them, with typed errors. */
import { Client, type CallOptions, type ChannelCredentials, type ServiceError } from '@grpc/grpc-js';
import { SluiceError } from '../core/model/errors.js';
import type { DeviceServiceDefinition } from '../wire/gen/sluice/v1/DeviceService.js';
import type { DiskServiceDefinition } from '../wire/gen/sluice/v1/DiskService.js';
import type { IoServiceDefinition } from '../wire/gen/sluice/v1/IoService.js';
import type { PolicyServiceDefinition } from '../wire/gen/sluice/v1/PolicyService.js';
import type { UsageServiceDefinition } from '../wire/gen/sluice/v1/UsageService.js';
import { packageDefinition } from '../wire/proto.js';
import { channelOptions, metadataOf } from './grpc-network.js';
import { errorFromStatus } from './status.js';

/** As much of a method definition as a call needs. */
export interface Method<I, O> {
  readonly path: string;
  requestSerialize(value: I): Buffer;
  responseDeserialize(bytes: Buffer): O;
}

interface Services {
  IoService: IoServiceDefinition;
  PolicyService: PolicyServiceDefinition;
  DeviceService: DeviceServiceDefinition;
  UsageService: UsageServiceDefinition;
  DiskService: DiskServiceDefinition;
}

/** The methods of a service, with their generated types. */
export function serviceMethods<K extends keyof Services>(name: K): Services[K] {
  return packageDefinition()[`sluice.v1.${name}`] as unknown as Services[K];
}

export interface CallsOptions {
  readonly credentials: ChannelCredentials;
  readonly metadata: Readonly<Record<string, string>>;
  readonly keepaliveMs: number;
  readonly callTimeoutMs: number;
}

export class Calls {
  private readonly options: CallsOptions;
  /** Where to call now: the host that the session is with. */
  private readonly address: () => string;
  private readonly channels = new Map<string, Client>();
  private closed = false;

  constructor(options: CallsOptions, address: () => string) {
    this.options = options;
    this.address = address;
  }

  /** @param mayHaveRun what a failure below the service leaves open is an error of its own: OUTCOME_UNKNOWN */
  unary<I, O>(method: Method<I, O>, request: I, signal?: AbortSignal, mayHaveRun = false): Promise<O> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) throw new SluiceError('CANCELLED', 'its signal was aborted before the call');
      const address = this.address();
      const deadline = Date.now() + this.options.callTimeoutMs;
      const settle = (error: ServiceError | null, answer?: O): void => {
        signal?.removeEventListener('abort', abort);
        if (error === null) resolve(answer as O);
        else reject(errorFromStatus(error, address, mayHaveRun));
      };
      const call = this.channel(address).makeUnaryRequest(
        method.path,
        (value: I) => method.requestSerialize(value),
        (bytes: Buffer) => method.responseDeserialize(bytes),
        request,
        metadataOf(this.options.metadata),
        { deadline } satisfies CallOptions,
        settle,
      );
      const abort = (): void => call.cancel();
      signal?.addEventListener('abort', abort, { once: true });
    });
  }

  /** Answers as they come; leaving the loop ends the call. */
  async *stream<I, O>(method: Method<I, O>, request: I, signal?: AbortSignal): AsyncGenerator<O, void, undefined> {
    const address = this.address();
    const call = this.channel(address).makeServerStreamRequest(
      method.path,
      (value: I) => method.requestSerialize(value),
      (bytes: Buffer) => method.responseDeserialize(bytes),
      request,
      metadataOf(this.options.metadata),
    );
    const abort = (): void => call.cancel();
    if (signal?.aborted === true) abort();
    signal?.addEventListener('abort', abort, { once: true });
    try {
      for await (const answer of call) yield answer as O;
    } catch (error) {
      if (error instanceof Error && 'code' in error && 'details' in error) {
        throw errorFromStatus(error as ServiceError, address);
      }
      throw SluiceError.from(error);
    } finally {
      signal?.removeEventListener('abort', abort);
      call.cancel();
    }
  }

  close(): void {
    this.closed = true;
    for (const channel of this.channels.values()) channel.close();
    this.channels.clear();
  }

  private channel(address: string): Client {
    if (this.closed) throw new SluiceError('CANCELLED', 'the client is closed');
    let channel = this.channels.get(address);
    if (channel === undefined) {
      channel = new Client(address, this.options.credentials, {
        ...channelOptions(this.options.keepaliveMs),
        // Or a host that was away would be asked again only after two minutes.
        'grpc.max_reconnect_backoff_ms': 1_000,
      });
      this.channels.set(address, channel);
    }
    return channel;
  }
}
