/** One application of the demo: reads blocks of its own region at random, a fixed number at a time, and checks each. */
import type { Handle } from '../../client/handle.js';
import { CODES } from '../../core/model/errors.js';
import { OPS } from '../../core/model/request.js';
import { NS_PER_US } from '../../core/model/units.js';
import type { Rng } from '../../core/ports.js';
import { BLOCK_BYTES, isPattern, patternAt } from './pattern.js';

/** Told of each read that was served. */
export type OnServed = (application: Application, queueNs: number, serviceNs: number, cost: number) => void;

export interface ApplicationPlan {
  readonly tag: string;
  readonly shares: number;
  /** Requests that it keeps outstanding: how loud it is. */
  readonly outstanding: number;
  readonly regionOffset: number;
  readonly regionBytes: number;
}

const WRITE_BYTES = 1_048_576;

export class Application {
  readonly plan: ApplicationPlan;
  readonly #handle: Handle;
  readonly #rng: Rng;
  readonly #onServed: OnServed;
  /** By token: where the outstanding read is. */
  readonly #offsets: number[];
  readonly #parked: number[] = [];
  #running = false;
  #outstanding = 0;
  #onIdle: (() => void) | null = null;
  verified = 0;
  wrong = 0;
  failed = 0;
  firstFailure = '';

  constructor(plan: ApplicationPlan, handle: Handle, rng: Rng, onServed: OnServed) {
    this.plan = plan;
    this.#handle = handle;
    this.#rng = rng;
    this.#onServed = onServed;
    this.#offsets = new Array<number>(plan.outstanding).fill(0);
    this.#parked = Array.from({ length: plan.outstanding }, (_, token) => token);
  }

  /** Fills its region. */
  async write(): Promise<void> {
    const { regionOffset, regionBytes } = this.plan;
    for (let at = 0; at < regionBytes; at += WRITE_BYTES) {
      await this.#handle.write(regionOffset + at, patternAt(regionOffset + at, WRITE_BYTES));
    }
  }

  start(): void {
    this.#running = true;
    for (let token = this.#parked.pop(); token !== undefined; token = this.#parked.pop()) this.#read(token);
  }

  /** Issues nothing more; resolves when what is out has come back. */
  stop(): Promise<void> {
    this.#running = false;
    if (this.#outstanding === 0) return Promise.resolve();
    return new Promise((resolve) => (this.#onIdle = resolve));
  }

  #read(token: number): void {
    const { regionOffset, regionBytes } = this.plan;
    const offset = regionOffset + this.#rng.below(regionBytes / BLOCK_BYTES) * BLOCK_BYTES;
    this.#offsets[token] = offset;
    this.#outstanding += 1;
    this.#handle.issue(OPS.READ, offset, BLOCK_BYTES, null, this.#sink, token);
  }

  readonly #sink = {
    replied: (token: number, reply: Parameters<Parameters<Handle['issue']>[4]['replied']>[1]): void => {
      this.#outstanding -= 1;
      if (reply.code !== CODES.OK) {
        if (this.failed++ === 0) this.firstFailure = reply.message;
      } else {
        if (isPattern(reply.data, this.#offsets[token]!)) this.verified += 1;
        else this.wrong += 1;
        const queueUs = reply.behindOwnUs + reply.limitUs + reply.shareUs + reply.slotsUs + reply.coordinationUs;
        this.#onServed(this, queueUs * NS_PER_US, reply.serviceUs * NS_PER_US, reply.cost);
      }
      // A service that refuses everything would otherwise be asked for ever.
      if (this.#running && this.failed < 100) this.#read(token);
      else this.#parked.push(token);
      if (this.#outstanding === 0) this.#onIdle?.();
    },
  };
}
