/** The twin's store, with every call that it takes in watched; whatever befalls it befalls the reference too. */
import type { VirtualClock } from '../../clock/virtual.js';
import type { ExchangeCall } from '../../coordination/exchange/protocol.js';
import type { Exchanged, Surroundings } from '../../coordination/twin/exchange.js';
import type { DeviceState } from '../../coordination/twin/records.js';
import { TwinStore, type Snapshot } from '../../coordination/twin/store.js';
import type { Rng } from '../../core/ports.js';
import { BrokenPromise } from './broken-promise.js';
import type { Promises } from './promises.js';
import type { Reference } from './reference/records.js';
import { ReferenceWatch } from './reference/watch.js';

/** The whole state is compared after every so many calls; each is answered as the reference would. */
const COMPARED_EVERY = 32;

export class WatchedStore extends TwinStore {
  readonly reference = new ReferenceWatch(COMPARED_EVERY);
  readonly #promises: Promises;
  readonly #references = new WeakMap<Snapshot, Reference | null>();

  constructor(clock: VirtualClock, rng: Rng, promises: Promises) {
    super(clock, rng);
    this.#promises = promises;
  }

  protected override run(before: DeviceState | null, call: ExchangeCall, around: Surroundings): Exchanged {
    const done = super.run(before, call, around);
    const differs = this.reference.taken(call, around, done);
    if (differs !== '') throw new BrokenPromise('state', `${call.kind} ${call.n} of ${call.host}: ${differs}`);
    this.#promises.taken(call, done.reply, done.state, this.reference.state);
    return done;
  }

  override snapshot(): Snapshot {
    const snapshot = super.snapshot();
    this.#references.set(snapshot, structuredClone(this.reference.state));
    return snapshot;
  }

  override failover(snapshot: Snapshot): void {
    super.failover(snapshot);
    this.reference.state = structuredClone(this.#references.get(snapshot)!);
  }

  override flushAll(): void {
    super.flushAll();
    this.reference.state = null;
  }
}
