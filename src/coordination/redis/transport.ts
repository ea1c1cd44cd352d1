/** The way to the shared state of devices in Redis: one call of a function an exchange, sharded messages as nudges. */
import { randomUUID } from 'node:crypto';
import { SluiceError } from '../../core/model/errors.js';
import type { ExchangeCall, ExchangeReply, ExchangeTransport } from '../exchange/protocol.js';
import type { RedisConnection } from './connection.js';
import { packCall, packRows, unpackReply } from './exchange-message.js';
import { Packer } from './message-pack.js';
import { KEY_PREFIX } from './requirements.js';
import { loadLibrary } from './script.js';

/** The key of a device's state; its other keys begin with it. */
export function exchangeKey(device: string): string {
  return `${KEY_PREFIX}{${device}}:exchange`;
}

export class RedisExchange implements ExchangeTransport {
  readonly #connection: RedisConnection;
  readonly #library = loadLibrary('exchange');
  readonly #packer = new Packer();

  constructor(connection: RedisConnection) {
    this.#connection = connection;
  }

  exchange(call: ExchangeCall, done: (reply: ExchangeReply | null, failure: string) => void): void {
    this.#run(call).then(
      (reply) => {
        done(reply, '');
      },
      (error: unknown) => {
        done(null, SluiceError.from(error).message);
      },
    );
  }

  onNudge(device: string, host: string, listener: () => void): () => void {
    return this.#connection.subscribe(`${exchangeKey(device)}:nudge:${host}`, listener);
  }

  async #run(call: ExchangeCall): Promise<ExchangeReply> {
    const key = exchangeKey(call.device);
    const server = this.#connection.serverOf(key);
    if (server === '') {
      throw new SluiceError('STORE_UNAVAILABLE', `store ${this.#connection.shown} does not say which server it is`);
    }
    const bytes = await this.#connection.callForBytes(
      this.#library,
      [key],
      [packCall(this.#packer, call), packRows(this.#packer, call.rows), server, randomUUID()],
    );
    return unpackReply(bytes, call.n, server);
  }
}
