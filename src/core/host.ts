/** The devices that this host serves: kept as the device store says, each with its dispatcher. */
import { SluiceError, drainingMessage, invalid, type ErrorCode } from './model/errors.js';
import { ANY_DEVICE } from './model/policy.js';
import type { DeviceRecord } from './model/device.js';
import type { UsageLedger } from './model/usage.js';
import { Dispatcher } from './dispatcher.js';
import type { PendingIo } from './pending-io.js';
import type {
  BlockDevice,
  Clock,
  DeviceEvent,
  DeviceFactory,
  DeviceStore,
  Gate,
  IoObserver,
  Logger,
  PoliciesInForce,
  ServedDevice,
  ServedDevices,
  ServedState,
  SharesOf,
} from './ports.js';

export interface HostParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly deviceStore: DeviceStore;
  readonly policies: PoliciesInForce;
  readonly factory: DeviceFactory;
  readonly makeGate: (record: DeviceRecord, sharesOf: SharesOf) => Gate;
  readonly ledgerOf: (device: string) => UsageLedger;
  readonly observer?: IoObserver | null;
}

/** A device while it is open. */
interface Opened {
  readonly device: BlockDevice;
  readonly dispatcher: Dispatcher;
}

class Served implements ServedDevice {
  readonly name: string;
  record: DeviceRecord;
  opened: Opened | null = null;
  /** Why it is not open. */
  closedBecause = '';
  readonly #policies: PoliciesInForce;

  constructor(record: DeviceRecord, policies: PoliciesInForce) {
    this.name = record.name;
    this.record = record;
    this.#policies = policies;
  }

  get state(): ServedState {
    if (this.opened === null) return this.record.draining ? 'drained' : 'unavailable';
    const { dispatcher } = this.opened;
    if (this.record.draining) return dispatcher.queued + dispatcher.outstanding > 0 ? 'draining' : 'drained';
    return dispatcher.suspect ? 'suspect' : 'ready';
  }

  get stateMessage(): string {
    return this.opened?.dispatcher.trouble ?? this.closedBecause;
  }

  get sizeBytes(): number {
    return this.opened?.device.sizeBytes ?? 0;
  }

  get blockBytes(): number {
    return this.opened?.device.blockBytes ?? 0;
  }

  get readOnly(): boolean {
    return this.opened?.device.readOnly ?? false;
  }

  get leased(): boolean {
    return this.opened?.device.leased ?? false;
  }

  get queued(): number {
    return this.opened?.dispatcher.queued ?? 0;
  }

  get outstanding(): number {
    return this.opened?.dispatcher.outstanding ?? 0;
  }

  refusal(tag: string): { code: ErrorCode; message: string } | null {
    if (this.record.draining) return { code: 'DRAINING', message: drainingMessage(this.name) };
    if (this.opened === null) {
      return { code: 'DEVICE_IO', message: `device ${this.name} is unavailable on this host: ${this.stateMessage}` };
    }
    if (this.record.settings.unknownTags === 'reject' && !this.#policies.isKnown(this.name, tag)) {
      return {
        code: 'NOT_FOUND',
        message: `tag ${tag} has no policy on device ${this.name}, which rejects unknown tags`,
      };
    }
    return null;
  }

  submit(io: PendingIo, tag: string): void {
    const refusal = this.refusal(tag);
    if (refusal === null) {
      this.opened!.dispatcher.submit(io, tag);
      return;
    }
    io.state = 'completed';
    io.code = refusal.code;
    io.message = refusal.message;
    io.sink.completed(io);
  }

  cancel(io: PendingIo): boolean {
    return this.opened?.dispatcher.cancel(io) ?? false;
  }
}

export class Host implements ServedDevices {
  readonly #parts: HostParts;
  readonly #served = new Map<string, Served>();
  /** Changes of one device are acted on one after the other; the end of the chain so far. */
  readonly #work = new Map<string, Promise<void>>();
  #stopWatching: (() => void)[] = [];

  constructor(parts: HostParts) {
    this.#parts = parts;
  }

  /** Opens what the store holds and follows its changes. Resolves when what was there at start is open or has failed to. */
  async start(): Promise<void> {
    const { deviceStore, policies } = this.#parts;
    this.#stopWatching.push(
      policies.onChange((device, tag) => {
        if (device !== ANY_DEVICE) this.#served.get(device)?.opened?.dispatcher.sharesChanged(tag);
        else for (const served of this.#served.values()) served.opened?.dispatcher.sharesChanged(tag);
      }),
      deviceStore.watch({ event: (event) => this.#enqueue(event) }),
    );
    await Promise.all(this.#work.values());
  }

  get(name: string): ServedDevice | undefined {
    return this.#served.get(name);
  }

  list(): readonly ServedDevice[] {
    return [...this.#served.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async settled(name: string): Promise<void> {
    await this.#work.get(name);
  }

  /** Resolves when no request is queued or outstanding on any device. */
  async idle(): Promise<void> {
    await Promise.all(
      [...this.#served.values()].map((served) => served.opened?.dispatcher.idle() ?? Promise.resolve()),
    );
  }

  /** Answers what is queued with DRAINING. */
  cancelQueued(message: string): void {
    for (const served of this.#served.values()) served.opened?.dispatcher.cancelQueued('DRAINING', message);
  }

  /**
   * Lets go of all devices; what is queued is answered DRAINING, what is outstanding completes.
   * @param waitNs how long a device that does not give back what it holds is waited for
   * @returns the names of those that did not
   */
  async close(waitNs: number): Promise<string[]> {
    for (const stop of this.#stopWatching) stop();
    this.#stopWatching = [];
    const hung: string[] = [];
    const shut = async (served: Served): Promise<void> => {
      if (!(await this.#within(waitNs, this.#shut(served)))) hung.push(served.name);
    };
    await this.#within(waitNs, Promise.all(this.#work.values()));
    await Promise.all([...this.#served.values()].map(shut));
    this.#served.clear();
    return hung;
  }

  /** Whether the work was done in time. */
  #within(waitNs: number, work: Promise<unknown>): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const timer = this.#parts.clock.after(waitNs, () => resolve(false));
      work.then(
        () => {
          timer.cancel();
          resolve(true);
        },
        (error: unknown) => reject(SluiceError.from(error)),
      );
    });
  }

  #enqueue(event: DeviceEvent): void {
    const name = (event.after ?? event.before)!.name;
    const before = this.#work.get(name) ?? Promise.resolve();
    const step = before.then(() => this.#follow(name, event.after));
    this.#work.set(name, step);
    void step.finally(() => {
      if (this.#work.get(name) === step) this.#work.delete(name);
    });
  }

  async #follow(name: string, record: DeviceRecord | null): Promise<void> {
    const served = this.#served.get(name);
    if (record === null) {
      if (served === undefined) return;
      this.#served.delete(name);
      await this.#shut(served);
      return;
    }
    if (served === undefined) {
      const fresh = new Served(record, this.#parts.policies);
      if (!record.draining) await this.#open(fresh);
      this.#served.set(name, fresh);
      return;
    }
    served.record = record;
    served.opened?.dispatcher.configure(record.settings);
  }

  async #open(served: Served): Promise<void> {
    const { clock, logger, factory, policies, makeGate, ledgerOf, observer = null } = this.#parts;
    const { name, record } = served;
    try {
      const device = await factory.open(name, record.target);
      if (device.leased === true && record.settings.readCacheBytes > 0) {
        await device.close();
        throw invalid(
          'read_cache_bytes',
          '0 for a lease device, whose data does not come by',
          record.settings.readCacheBytes,
        );
      }
      const gate = makeGate(record, policies.sharesOf(name));
      const dispatcher = new Dispatcher({
        name,
        clock,
        device,
        gate,
        ledger: ledgerOf(name),
        settings: record.settings,
        logger,
        observer,
      });
      served.opened = { device, dispatcher };
      served.closedBecause = '';
    } catch (error) {
      served.closedBecause = SluiceError.from(error).message;
      logger.error({ device: name, error: served.closedBecause }, 'device does not open');
    }
  }

  async #shut(served: Served): Promise<void> {
    const { opened } = served;
    if (opened === null) return;
    served.opened = null;
    served.closedBecause = 'closed';
    opened.dispatcher.cancelQueued('DRAINING', drainingMessage(served.name));
    await opened.dispatcher.idle();
    opened.dispatcher.close();
    await opened.device.close();
  }
}
