/** The reference beside the twin: asked the same, it has to say the same. */
import type { ExchangeCall } from '../../../coordination/exchange/protocol.js';
import type { Exchanged, Surroundings } from '../../../coordination/twin/exchange.js';
import { replyDiffers, stateDiffers } from './compare.js';
import { refer } from './exchange.js';
import type { Reference } from './records.js';

export class ReferenceWatch {
  state: Reference | null = null;
  readonly #every: number;
  #calls = 0;

  /** @param every so many calls the whole state is compared; answers are each time */
  constructor(every: number) {
    this.#every = every;
  }

  /** @returns what the twin did that the reference would not have done, in words; '' where there is nothing */
  taken(call: ExchangeCall, around: Surroundings, found: Exchanged): string {
    const { state, reply, nudges } = refer(this.state, call, around);
    this.state = state;
    const differs = replyDiffers(found.reply, reply);
    if (differs !== '') return differs;
    const [a, b] = [[...found.nudges].sort().join(), [...nudges].sort().join()];
    if (a !== b) return `nudged are ${a || 'none'}, by the reference ${b || 'none'}`;
    return ++this.#calls % this.#every === 0 ? stateDiffers(found.state, state) : '';
  }
}
