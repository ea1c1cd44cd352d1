/** Reads of one tag through one host, as many outstanding all the time, counted at the client. */
import { SluiceClient, type Handle } from '../../src/client/index.js';
import { CODES } from '../../src/core/model/errors.js';
import { OPS } from '../../src/core/model/request.js';
import type { Rng } from '../../src/core/ports.js';
import { SeededRng } from '../../src/core/rng.js';

const IO_BYTES = 4_096;

export class TagLoad {
  readonly tag: string;
  /** What the first request that did not succeed was answered. */
  failure = '';
  readonly #client: SluiceClient;
  readonly #handle: Handle;
  readonly #rng: Rng;
  readonly #blocks: number;
  readonly #onServed: (tag: string) => void;

  private constructor(client: SluiceClient, handle: Handle, seed: number, onServed: (tag: string) => void) {
    this.#client = client;
    this.#handle = handle;
    this.tag = handle.tag;
    this.#onServed = onServed;
    this.#rng = new SeededRng(seed).fork(handle.tag);
    this.#blocks = Math.floor(handle.sizeBytes / IO_BYTES);
  }

  /** @param plan.seed of the places that are read */
  static async start(
    at: string,
    plan: { readonly device: string; readonly tag: string; readonly outstanding: number; readonly seed: number },
    onServed: (tag: string) => void,
  ): Promise<TagLoad> {
    const client = await SluiceClient.connect(at);
    const load = new TagLoad(client, await client.open(plan.device, plan.tag), plan.seed, onServed);
    for (let i = 0; i < plan.outstanding; i++) load.#send();
    return load;
  }

  /** Ends at once; what is out is not waited for. */
  stop(): void {
    this.failure ||= 'stopped';
    this.#client.destroy();
  }

  #send(): void {
    const offset = this.#rng.below(this.#blocks) * IO_BYTES;
    this.#handle.issue(OPS.READ, offset, IO_BYTES, null, this.#sink, 0);
  }

  readonly #sink = {
    replied: (_: number, { code, message }: { code: number; message: string }): void => {
      if (this.failure !== '') return;
      if (code !== CODES.OK) {
        this.failure = message;
        return;
      }
      this.#onServed(this.tag);
      this.#send();
    },
  };
}
