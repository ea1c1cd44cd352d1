/** Streams between a session and model hosts: in order, delayed, and cut at any point, which both ends learn apart. */
import type { VirtualClock } from '../../../src/clock/virtual.js';
import type { ClientFrame, Network, ServerFrame, Wire, WireEvents } from '../../../src/client/network.js';
import { SluiceError } from '../../../src/core/model/errors.js';
import { NS_PER_MS, NS_PER_US } from '../../../src/core/model/units.js';
import type { SeededRng } from '../../../src/core/rng.js';
import { HostStream, NOTICE_MS_MAX, type ModelHost } from './model-host.js';

const DELAY_US_MAX = 3_000;

/** `open` both ways; `cut`: nothing gets through any more, though an end may not know; `over` for the client. */
type PipeState = 'open' | 'cut' | 'over';

class Pipe implements Wire {
  readonly host: ModelHost;
  readonly stream: HostStream;
  private readonly network: ModelNetwork;
  private readonly events: WireEvents;
  private state: PipeState = 'open';
  private toHostNs = 0;
  private toClientNs = 0;

  constructor(network: ModelNetwork, host: ModelHost, events: WireEvents) {
    this.network = network;
    this.host = host;
    this.events = events;
    this.stream = new HostStream(host, (frame) => this.toClient(frame));
  }

  send(frame: ClientFrame): boolean {
    // The frame is lent: requests are the session's own objects.
    const copy: ClientFrame = {
      ...frame,
      open: [...frame.open],
      requests: frame.requests.map((request) => ({
        id: request.id,
        handle: request.handle,
        op: request.op,
        offset: request.offset,
        length: request.length,
        data: request.data,
        fua: request.fua,
        queueTimeoutUs: request.queueTimeoutUs,
        tag: request.tag,
        attempt: request.attempt,
      })),
      cancels: [...frame.cancels],
      close: [...frame.close],
    };
    this.toHostNs = this.network.inOrder(this.toHostNs, () => {
      if (this.state === 'open') this.stream.received(copy);
    });
    return true;
  }

  end(): void {
    this.abort();
  }

  /** The host notices in its own time. */
  abort(): void {
    this.state = 'over';
    this.network.later(this.network.rng.below(NOTICE_MS_MAX), () => this.stream.end());
  }

  /** From now on nothing gets through. */
  cut(): void {
    if (this.state !== 'open') return;
    this.state = 'cut';
    this.network.later(this.network.rng.below(NOTICE_MS_MAX), () => this.stream.end());
    this.network.later(this.network.rng.below(1_000), () => this.lost('connection reset'));
  }

  /** The host ended the stream after its last answer. */
  endedByHost(): void {
    this.toClientNs = this.network.inOrder(this.toClientNs, () => {
      if (this.state === 'open') this.lost('ended by the host');
    });
  }

  private lost(message: string): void {
    if (this.state === 'over') return;
    this.state = 'over';
    this.events.ended(new SluiceError('STORE_UNAVAILABLE', `${this.host.address}: ${message}`));
    this.network.settle();
  }

  private toClient(frame: ServerFrame): void {
    this.toClientNs = this.network.inOrder(this.toClientNs, () => {
      if (this.state !== 'open') return;
      this.events.received(frame);
      this.network.settle();
    });
  }
}

export class ModelNetwork implements Network {
  readonly rng: SeededRng;
  private readonly clock: VirtualClock;
  private readonly hosts: ReadonlyMap<string, ModelHost>;
  private readonly pipes = new Set<Pipe>();
  /** Runs what the session put off to the end of the turn. */
  settle: () => void = () => undefined;

  constructor(clock: VirtualClock, rng: SeededRng, hosts: readonly ModelHost[]) {
    this.clock = clock;
    this.rng = rng;
    this.hosts = new Map(hosts.map((host) => [host.address, host]));
  }

  dial(address: string, events: WireEvents): Wire {
    const host = this.hosts.get(address)!;
    const pipe = new Pipe(this, host, events);
    if (host.up && !host.draining) this.pipes.add(pipe);
    else pipe.cut();
    return pipe;
  }

  /** Cuts the streams to the host that are open. */
  cut(host: ModelHost): void {
    for (const pipe of this.pipes) if (pipe.host === host) pipe.cut();
  }

  pipeOf(stream: HostStream): Pipe | undefined {
    for (const pipe of this.pipes) if (pipe.stream === stream) return pipe;
    return undefined;
  }

  later(ms: number, fn: () => void): void {
    this.clock.after(ms * NS_PER_MS, fn);
  }

  /** After a delay, not before what went before; when that is. */
  inOrder(afterNs: number, fn: () => void): number {
    const nowNs = this.clock.nowNs();
    const atNs = Math.max(afterNs, nowNs + (1 + this.rng.below(DELAY_US_MAX)) * NS_PER_US);
    this.clock.after(atNs - nowNs, fn);
    return atNs;
  }
}
