/** A network without sockets: the test is the host, frame by frame. */
import { VirtualClock } from '../../../src/clock/virtual.js';
import { Lane, type LaneOwner } from '../../../src/client/lane.js';
import type { ClientFrame, Network, ServerFrame, Wire, WireEvents } from '../../../src/client/network.js';
import type { IoReply, ReplySink } from '../../../src/client/request.js';
import { Session, type SessionEvents, type SessionOptions } from '../../../src/client/session.js';
import { CODES, SluiceError, codeName, type Code } from '../../../src/core/model/errors.js';
import { OPS, type Op } from '../../../src/core/model/request.js';
import { MIB, NS_PER_MS } from '../../../src/core/model/units.js';

export function serverFrame(parts: Partial<ServerFrame>): ServerFrame {
  return {
    welcome: null,
    opened: [],
    replies: [],
    granted: [],
    revoked: [],
    credits: [],
    goAway: null,
    ...parts,
  };
}

export function wireReply(id: number, code: Code = 'OK', parts: Partial<IoReply> = {}): IoReply {
  return {
    id,
    code: CODES[code],
    message: code === 'OK' ? '' : `said ${code}`,
    data: Buffer.alloc(0),
    behindOwnUs: 1,
    limitUs: 0,
    shareUs: 2,
    slotsUs: 3,
    coordinationUs: 0,
    serviceUs: 40,
    attempt: 0,
    cost: 1,
    ...parts,
  };
}

export interface WelcomeParts {
  hostId: string;
  resumed: boolean;
  fenceMs: number;
  maxIoBytes: number;
  maxFrameBytes: number;
  maxHandles: number;
}

export class FakeWire implements Wire {
  readonly address: string;
  readonly events: WireEvents;
  /** Copies of what was sent, the hello included. */
  readonly frames: ClientFrame[] = [];
  state: 'open' | 'ended' | 'aborted' | 'cut' = 'open';
  /** What send answers. */
  room = true;

  constructor(address: string, events: WireEvents) {
    this.address = address;
    this.events = events;
  }

  send(frame: ClientFrame): boolean {
    if (this.state !== 'open') throw new Error(`send on a wire that is ${this.state}`);
    this.frames.push({
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
    });
    return this.room;
  }

  end(): void {
    this.state = 'ended';
  }

  abort(): void {
    this.state = 'aborted';
  }

  welcome(parts: Partial<WelcomeParts> = {}): void {
    const welcome = {
      hostId: 'host-a',
      resumed: false,
      fenceMs: 5_000,
      maxIoBytes: MIB,
      maxFrameBytes: 2 * MIB,
      maxHandles: 1_024,
      ...parts,
    };
    this.events.received(serverFrame({ welcome }));
  }

  /** Opens the handle with credit for as much as the test likes. */
  opened(handle: number, requestsTotal = 1_000, bytesTotal = 1_000 * MIB): void {
    this.events.received(
      serverFrame({
        opened: [
          {
            handle,
            code: CODES.OK,
            message: '',
            sizeBytes: 1_024 * MIB,
            blockBytes: 512,
            readOnly: false,
            lease: false,
          },
        ],
        credits: [{ handle, requestsTotal, bytesTotal }],
      }),
    );
  }

  refused(handle: number, code: Code): void {
    const message = `said ${code}`;
    const opened = [{ handle, code: CODES[code], message, sizeBytes: 0, blockBytes: 0, readOnly: false, lease: false }];
    this.events.received(serverFrame({ opened }));
  }

  credit(handle: number, requestsTotal: number, bytesTotal: number): void {
    this.events.received(serverFrame({ credits: [{ handle, requestsTotal, bytesTotal }] }));
  }

  reply(id: number, code: Code = 'OK', parts: Partial<IoReply> = {}): void {
    this.events.received(serverFrame({ replies: [wireReply(id, code, parts)] }));
  }

  goAway(reason = 'draining'): void {
    this.events.received(serverFrame({ goAway: { reason, graceMs: 1_000 } }));
  }

  cut(message = 'connection reset'): void {
    this.state = 'cut';
    this.events.ended(new SluiceError('STORE_UNAVAILABLE', `${this.address}: ${message}`));
  }

  /** All requests sent so far. */
  get requests(): ClientFrame['requests'][number][] {
    return this.frames.flatMap((frame) => [...frame.requests]);
  }

  get last(): ClientFrame {
    return this.frames.at(-1)!;
  }
}

export interface Answer {
  readonly token: number;
  readonly code: Code;
  readonly message: string;
  readonly reply: IoReply;
}

export const OPTIONS: SessionOptions = {
  addresses: ['a:1'],
  backoff: { initialMs: 100, maxMs: 1_000 },
  dialTimeoutMs: 2_000,
  maxOutageMs: 30_000,
  maxOutageNs: 30_000 * NS_PER_MS,
  resendWrites: 'fenced',
  flushSpansHosts: false,
  maxPendingRequests: 1_000,
  maxPendingBytes: 64 * MIB,
};

/** A session whose network, time, turns and answers are the test's. */
export class SessionRig implements Network, ReplySink, LaneOwner {
  readonly clock = new VirtualClock(1_700_000_000_000);
  readonly wires: FakeWire[] = [];
  readonly answers: Answer[] = [];
  readonly told: string[] = [];
  readonly raised: unknown[] = [];
  readonly session: Session;
  /** Called with each answer, after it was noted. */
  onAnswer: (token: number) => void = () => undefined;
  private turn: (() => void)[] = [];

  constructor(options: Partial<SessionOptions> = {}, random: () => number = () => 0.5) {
    const events: SessionEvents = {
      welcomed: (link) => this.told.push(`welcomed ${link.address}`),
      leaving: (link) => this.told.push(`leaving ${link.address}`),
      lost: (link) => this.told.push(`lost ${link.address}`),
      dialFailed: () => this.told.push('dial failed'),
      outage: () => this.told.push('outage'),
    };
    const merged = { ...OPTIONS, ...options };
    const maxOutageNs = merged.maxOutageMs * NS_PER_MS;
    this.session = new Session(
      { ...merged, maxOutageNs },
      {
        network: this,
        clock: this.clock,
        rng: { next: random },
        defer: (fn) => this.turn.push(fn),
        raise: (error) => this.raised.push(error),
        sessionId: new Uint8Array(16).fill(7),
      },
      events,
    );
  }

  dial(address: string, events: WireEvents): Wire {
    const wire = new FakeWire(address, events);
    this.wires.push(wire);
    return wire;
  }

  replied(token: number, reply: IoReply): void {
    this.answers.push({ token, code: codeName(reply.code), message: reply.message, reply: { ...reply } });
    this.onAnswer(token);
  }

  opened(lane: Lane): void {
    this.told.push(`opened ${String(lane.handle)}`);
  }

  refused(lane: Lane, error: SluiceError): void {
    this.told.push(`refused ${String(lane.handle)} ${error.code}`);
  }

  closed(lane: Lane): void {
    this.told.push(`closed ${String(lane.handle)}`);
  }

  /** The wire dialled last. */
  get wire(): FakeWire {
    return this.wires.at(-1)!;
  }

  /** Ends the turn of the event loop: what was put off runs. */
  settle(): void {
    while (this.turn.length > 0) {
      const turn = this.turn;
      this.turn = [];
      for (const fn of turn) fn();
    }
  }

  advance(ms: number): void {
    this.clock.runFor(ms * NS_PER_MS);
    this.settle();
  }

  /** Connected, with a handle open. */
  ready(parts: Partial<WelcomeParts> = {}): Lane {
    this.session.start();
    this.wire.welcome(parts);
    return this.openLane();
  }

  openLane(tag = 'acme/db', requestsTotal?: number, bytesTotal?: number, device = 'disk0'): Lane {
    const lane = this.session.openLane(device, tag, this);
    this.settle();
    this.wire.opened(lane.handle, requestsTotal, bytesTotal);
    this.settle();
    return lane;
  }

  /** Issues without ending the turn; the token is the request's id. */
  issue(lane: Lane, op: Op, offset = 0, timeoutUs = 0, length = op === OPS.FLUSH ? 0 : 4_096): number {
    const data = op === OPS.WRITE ? new Uint8Array(length) : null;
    const token = this.session.pending + 1_000_000;
    const id = this.session.issue(lane, op, offset, length, data, false, timeoutUs, '', this, token);
    return id;
  }

  /** Answers by the id of the request. */
  answersOf(id: number): Code[] {
    return this.answers.filter((answer) => answer.reply.id === id).map((answer) => answer.code);
  }
}
