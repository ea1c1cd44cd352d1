/** The state's half of the exchange, played by a test: it sees each call and says what the answer is. */
import type { ExchangeCall, ExchangeReply, ExchangeTransport } from '../../src/coordination/exchange/protocol.js';

export class ScriptedState implements ExchangeTransport {
  /** Calls without an answer so far. */
  readonly waiting: { call: ExchangeCall; done: (reply: ExchangeReply | null, failure: string) => void }[] = [];
  readonly calls: ExchangeCall[] = [];
  nudge: () => void = () => undefined;
  stopped = false;
  grantsMade = 0;
  /** Laid over each answer. */
  standing: Partial<ExchangeReply> = {};

  exchange(call: ExchangeCall, done: (reply: ExchangeReply | null, failure: string) => void): void {
    this.calls.push(call);
    this.waiting.push({ call, done });
  }

  onNudge(_device: string, _host: string, listener: () => void): () => void {
    this.nudge = listener;
    return () => {
      this.stopped = true;
    };
  }

  get last(): ExchangeCall {
    return this.calls.at(-1)!;
  }

  /** Answers the call in flight. */
  answer(over: Partial<ExchangeReply> = {}): void {
    const { call, done } = this.#take();
    done(
      {
        status: 'ok',
        code: 'OK',
        message: '',
        incarnation: 'first',
        epoch: call.epoch,
        n: call.n,
        server: 'server-1',
        granted: [],
        refusedRows: [],
        grantsMade: this.grantsMade,
        settling: false,
        advance: 0,
        outageQuota: 0,
        depth: 4,
        slotsUsed: 0,
        hosts: 1,
        contended: false,
        againUs: 0,
        ...this.standing,
        ...over,
      },
      '',
    );
  }

  /** Whether it was taken in is not known. */
  lose(failure = 'connection lost'): void {
    this.#take().done(null, failure);
  }

  #take(): { call: ExchangeCall; done: (reply: ExchangeReply | null, failure: string) => void } {
    const first = this.waiting.shift();
    if (first === undefined) throw new Error('no call is in flight');
    return first;
  }
}
