/** The network made of gRPC: a channel of its own for each stream, frames encoded before they are written. */
import { Client, Metadata, type ChannelCredentials, type ClientDuplexStream } from '@grpc/grpc-js';
import { SluiceError } from '../core/model/errors.js';
import { MIB } from '../core/model/units.js';
import { STREAM_CODEC, STREAM_PATH } from '../wire/stream-codec.js';
import type { ClientFrame, Network, Wire, WireEvents } from './network.js';
import { errorFromStatus } from './status.js';

export interface GrpcOptions {
  readonly credentials: ChannelCredentials;
  /** Sent with every call, such as `authorization`. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly keepaliveMs: number;
}

/** What may lie in the stream's own buffers: enough to keep a connection busy, little enough that a later request need not wait for it. */
const BUFFERED_BYTES_MAX = 4 * MIB;
/** Of one message; a host's frames are far smaller. */
const RECEIVE_BYTES_MAX = 64 * MIB;
/** The HTTP/2 window of 64 KiB would cut large reads to a fraction of what loopback carries. */
const RECEIVE_WINDOW_BYTES = 8 * MIB;
/** How long a stream that was ended politely has to go before it is cut. */
const END_GRACE_MS = 1_000;

/** Options of a channel that shares its connection with no other: a new dial is a new connection, at once. */
export function channelOptions(keepaliveMs: number): Record<string, number> {
  return {
    'grpc.use_local_subchannel_pool': 1,
    'grpc.max_receive_message_length': RECEIVE_BYTES_MAX,
    'grpc.max_send_message_length': -1,
    'grpc-node.flow_control_window': RECEIVE_WINDOW_BYTES,
    'grpc.keepalive_time_ms': keepaliveMs,
    'grpc.keepalive_timeout_ms': keepaliveMs,
    // A look at the proxy variables of the environment has no place between a program and its disk.
    'grpc.enable_http_proxy': 0,
  };
}

export function metadataOf(entries: Readonly<Record<string, string>>): Metadata {
  const metadata = new Metadata();
  for (const [key, value] of Object.entries(entries)) metadata.set(key, value);
  return metadata;
}

export class GrpcNetwork implements Network {
  private readonly options: GrpcOptions;

  constructor(options: GrpcOptions) {
    this.options = options;
  }

  dial(address: string, events: WireEvents): Wire {
    return new GrpcWire(address, this.options, events);
  }
}

/** The codec runs outside the stream, so that a frame is lent for the call alone and its size known. */
const asIs = (bytes: Buffer): Buffer => bytes;

class GrpcWire implements Wire {
  private readonly address: string;
  private readonly channel: Client;
  private readonly call: ClientDuplexStream<Buffer, Buffer>;
  /** null once nothing may follow. */
  private events: WireEvents | null;
  private bufferedBytes = 0;
  private blocked = false;
  /** Sizes of the frames in the stream's buffers, oldest first. */
  private readonly sizes: number[] = [];
  private readonly onWritten = (): void => this.written();

  constructor(address: string, options: GrpcOptions, events: WireEvents) {
    this.address = address;
    this.events = events;
    this.channel = new Client(address, options.credentials, channelOptions(options.keepaliveMs));
    this.call = this.channel.makeBidiStreamRequest(STREAM_PATH, asIs, asIs, metadataOf(options.metadata));
    this.call.on('data', (bytes: Buffer) => this.data(bytes));
    this.call.on('drain', () => this.unblock());
    // The status says the same, and comes in any case.
    this.call.on('error', () => undefined);
    // Messages that came before the status are still on their way through the stream.
    this.call.on('status', (ended) => setImmediate(() => this.gone(errorFromStatus(ended, address))));
  }

  send(frame: ClientFrame): boolean {
    const bytes = STREAM_CODEC.requestSerialize(frame);
    this.sizes.push(bytes.length);
    this.bufferedBytes += bytes.length;
    const room = this.call.write(bytes, this.onWritten);
    this.blocked = !room || this.bufferedBytes >= BUFFERED_BYTES_MAX;
    return !this.blocked;
  }

  end(): void {
    this.events = null;
    this.call.end();
    const cut = setTimeout(() => this.call.cancel(), END_GRACE_MS);
    this.call.once('status', () => {
      clearTimeout(cut);
      this.channel.close();
    });
  }

  abort(): void {
    this.events = null;
    this.call.cancel();
    this.channel.close();
  }

  private data(bytes: Buffer): void {
    if (this.events === null) return;
    let frame;
    try {
      frame = STREAM_CODEC.responseDeserialize(bytes);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.call.cancel();
      this.gone(
        new SluiceError('INTERNAL', `${this.address}: sent a frame that cannot be read: ${why}`, { cause: error }),
      );
      return;
    }
    this.events.received(frame);
  }

  private written(): void {
    this.bufferedBytes -= this.sizes.shift() ?? 0;
    if (this.blocked && this.bufferedBytes < BUFFERED_BYTES_MAX / 2 && !this.call.writableNeedDrain) this.unblock();
  }

  private unblock(): void {
    if (!this.blocked || this.bufferedBytes >= BUFFERED_BYTES_MAX) return;
    this.blocked = false;
    this.events?.writable();
  }

  private gone(error: SluiceError): void {
    const events = this.events;
    this.events = null;
    this.channel.close();
    events?.ended(error);
  }
}
