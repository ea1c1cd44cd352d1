/** Calls of the control services: a use case's promise as the answer of a call, an error as its status. */
import type { ServerUnaryCall, ServerWritableStream, handleServerStreamingCall, handleUnaryCall } from '@grpc/grpc-js';
import { SluiceError } from '../../core/model/errors.js';
import { toServiceError } from './status.js';

/** What ends a stream of answers from outside: an error for its status. */
export type StreamEnd = (error: SluiceError) => void;

/**
 * Messages that wait for a peer that does not read, before its stream is ended. As many as the
 * largest snapshot has: one comes all at once.
 */
const UNREAD_MESSAGES_MAX = 262_144;

export class Calls {
  #refusal: SluiceError | null = null;
  #unary = 0;
  readonly #streams = new Set<StreamEnd>();
  #idle: (() => void) | null = null;

  /** Calls that are being answered; watches are not among them. */
  get running(): number {
    return this.#unary;
  }

  /** Refuses new calls and ends watches. Resolves when the last call has been answered. */
  drain(error: SluiceError): Promise<void> {
    this.#refusal = error;
    for (const end of [...this.#streams]) end(error);
    if (this.#unary === 0) return Promise.resolve();
    return new Promise((resolve) => (this.#idle = resolve));
  }

  /** @throws SluiceError DRAINING where no call is taken */
  begin(): void {
    if (this.#refusal !== null) throw this.#refusal;
    this.#unary += 1;
  }

  finished(): void {
    this.#unary -= 1;
    if (this.#unary === 0) this.#idle?.();
  }

  unary<Request, Response>(useCase: (request: Request) => Promise<Response>): handleUnaryCall<Request, Response> {
    return (call: ServerUnaryCall<Request, Response>, callback) => {
      try {
        this.begin();
      } catch (error) {
        callback(toServiceError(error));
        return;
      }
      // The use case may throw before it makes a promise.
      const answer = new Promise<Response>((resolve) => resolve(useCase(call.request)));
      void answer
        .then(
          (response) => callback(null, response),
          (error: unknown) => callback(toServiceError(error)),
        )
        .finally(() => this.finished());
    };
  }

  /** A call that is answered to this machine only: what it does is no business of others, whoever they are. */
  local<Request, Response>(useCase: (request: Request) => Promise<Response>): handleUnaryCall<Request, Response> {
    const answer = this.unary(useCase);
    return (call, callback) => {
      if (isLocal(call.getPeer())) answer(call, callback);
      else callback(toServiceError(new SluiceError('PERMISSION_DENIED', 'this is answered to the same machine only')));
    };
  }

  /** A finite stream: the use case's messages, each made when the peer has room for it, then the end. */
  messages<Request, Response>(
    useCase: (request: Request) => Promise<AsyncIterable<Response>>,
  ): handleServerStreamingCall<Request, Response> {
    return (call: ServerWritableStream<Request, Response>) => {
      const gone = new Promise<void>((resolve) => call.on('cancelled', () => resolve()));
      const send = async (): Promise<void> => {
        this.begin();
        try {
          for await (const message of await useCase(call.request)) {
            if (call.cancelled) return;
            if (!call.write(message)) await Promise.race([drained(call), gone]);
          }
          call.end();
        } finally {
          this.finished();
        }
      };
      void send().catch((error: unknown) => call.emit('error', toServiceError(error)));
    };
  }

  /** A stream without an end of its own. */
  watch<Request, Response>(
    subscribe: (request: Request, listener: (message: Response) => void) => (() => void) | Promise<() => void>,
  ): handleServerStreamingCall<Request, Response> {
    return (call: ServerWritableStream<Request, Response>) => {
      let stop: (() => void) | null = null;
      let ended = false;
      const end = (error: SluiceError | null): void => {
        if (ended) return;
        ended = true;
        this.#streams.delete(end);
        stop?.();
        if (error !== null) call.emit('error', toServiceError(error));
      };
      call.on('cancelled', () => end(null));
      if (this.#refusal !== null) {
        end(this.#refusal);
        return;
      }
      this.#streams.add(end);
      const listener = (message: Response): void => {
        if (ended) return;
        call.write(message);
        if (call.writableLength > UNREAD_MESSAGES_MAX) {
          const bound = String(UNREAD_MESSAGES_MAX);
          end(new SluiceError('QUEUE_FULL', `a watch may leave at most ${bound} messages unread; start again`));
        }
      };
      const subscribed = new Promise<() => void>((resolve) => resolve(subscribe(call.request, listener)));
      void subscribed.then(
        (unsubscribe) => {
          stop = unsubscribe;
          if (ended) unsubscribe();
        },
        (error: unknown) => end(SluiceError.from(error)),
      );
    };
  }
}

/** Of a peer as grpc-js names it: ADDRESS:PORT. */
export function isLocal(peer: string): boolean {
  return /^(?:(?:::ffff:)?127\.\d+\.\d+\.\d+|::1|\[::1\]):\d+$/.test(peer);
}

function drained(call: ServerWritableStream<never, never>): Promise<void>;
function drained<Request, Response>(call: ServerWritableStream<Request, Response>): Promise<void>;
function drained(call: { once(event: 'drain', fn: () => void): unknown }): Promise<void> {
  return new Promise((resolve) => call.once('drain', resolve));
}
