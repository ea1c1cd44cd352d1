/** Drives a service over the network: a workload's requests through the client library's handles. */
import type { Handle } from '../client/handle.js';
import type { IoReply, ReplySink } from '../client/request.js';
import { SluiceError, codeName } from '../core/model/errors.js';
import { OPS } from '../core/model/request.js';
import type { Op } from '../core/model/request.js';
import { NS_PER_US } from '../core/model/units.js';
import type { Clock } from '../core/ports.js';
import type { Target, TargetSink } from '../workload/target.js';
import type { VerifiedRegion } from '../workload/verify.js';

/** What a verified request is checked with when its reply comes. */
interface Pending {
  op: Op;
  offset: number;
  lengthBytes: number;
  region: VerifiedRegion;
  expected: Uint32Array | null;
}

export class ClientTarget implements Target, ReplySink {
  readonly sizeBytes: number;
  readonly blockBytes: number;
  /** Told of each reply; set before the first issue. */
  sink: TargetSink | null = null;

  readonly #handles: readonly Handle[];
  readonly #regions: readonly (VerifiedRegion | null)[];
  readonly #clock: Clock;
  readonly #pending: (Pending | undefined)[] = [];
  /** What unverified writes carry, a view a length. */
  readonly #payloads = new Map<number, Uint8Array>();
  readonly #zeros: Uint8Array;

  /** @param handles one a tag, of one device. @param regions one a tag; null: its data is not verified */
  constructor(handles: readonly Handle[], regions: readonly (VerifiedRegion | null)[], clock: Clock) {
    this.#handles = handles;
    this.#regions = regions;
    this.#clock = clock;
    const [first] = handles;
    this.sizeBytes = first?.sizeBytes ?? 0;
    this.blockBytes = first?.blockBytes ?? 1;
    this.#zeros = new Uint8Array(first?.maxIoBytes ?? 0);
  }

  issue(tag: number, op: Op, offset: number, lengthBytes: number, token: number): void {
    const region = this.#regions[tag] ?? null;
    let data: Uint8Array | null = null;
    if (op === OPS.WRITE) data = region === null ? this.#payload(lengthBytes) : region.payload(offset, lengthBytes);
    if (region !== null) {
      const expected = op === OPS.READ ? region.expected(offset, lengthBytes) : null;
      this.#pending[token] = { op, offset, lengthBytes, region, expected };
    }
    try {
      this.#handles[tag]!.issue(op, offset, lengthBytes, data, this, token);
    } catch (error) {
      // The run is told later, as of any reply: within issue it is still counting this request.
      const { code, message } = SluiceError.from(error);
      setImmediate(() => this.#failed(token, `${code}: ${message}`));
    }
  }

  replied(token: number, reply: IoReply): void {
    const queueUs = reply.behindOwnUs + reply.limitUs + reply.shareUs + reply.slotsUs + reply.coordinationUs;
    let error = reply.code === 0 ? '' : `${codeName(reply.code)}: ${reply.message}`;
    const wrong = this.#settle(token, error === '', reply.data);
    if (error === '' && wrong !== '') error = `VERIFY: ${wrong}`;
    const serviceNs = reply.serviceUs * NS_PER_US;
    this.sink!.replied(token, this.#clock.nowNs(), reply.cost, queueUs * NS_PER_US, serviceNs, error);
  }

  #failed(token: number, error: string): void {
    this.#settle(token, false, this.#zeros);
    this.sink!.replied(token, this.#clock.nowNs(), 0, 0, 0, error);
  }

  /** What is wrong with the data that a verified read brought; '' otherwise. */
  #settle(token: number, served: boolean, data: Uint8Array): string {
    const pending = this.#pending[token];
    if (pending === undefined) return '';
    this.#pending[token] = undefined;
    const { op, offset, lengthBytes, region, expected } = pending;
    if (op === OPS.WRITE) region.written(offset, lengthBytes, served);
    return expected === null || !served ? '' : region.check(offset, data, expected);
  }

  #payload(lengthBytes: number): Uint8Array {
    let payload = this.#payloads.get(lengthBytes);
    if (payload === undefined) {
      payload = this.#zeros.subarray(0, lengthBytes);
      this.#payloads.set(lengthBytes, payload);
    }
    return payload;
  }
}
