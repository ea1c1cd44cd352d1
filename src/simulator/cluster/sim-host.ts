/** One host of the simulated cluster: the service's own dispatcher and gate, and applications that drive it. */
import { ExchangeGate } from '../../coordination/exchange/gate.js';
import type { CoordinationMode } from '../../coordination/exchange/modes.js';
import type { ExchangeTransport } from '../../coordination/exchange/protocol.js';
import { Dispatcher } from '../../core/dispatcher.js';
import type { DeviceSettings } from '../../core/model/device.js';
import { OPS } from '../../core/model/request.js';
import { KIB, NS_PER_MS } from '../../core/model/units.js';
import { PendingIo, type IoSink } from '../../core/pending-io.js';
import type { BlockDevice, Logger, Rng, SharesOf } from '../../core/ports.js';
import { Ledger } from '../../core/usage.js';
import type { HostWorld } from './host-world.js';
import type { Plan, PlannedTag } from './plan.js';

export const DEVICE = 'disk0';
const QUIET: Logger = { info: () => undefined, warn: () => undefined, error: () => undefined };
/** After a refusal an application waits so long. */
const RETRY_NS = 20 * NS_PER_MS;

/** What all hosts have in common: settings and shares, each with its revision. */
export interface ControlPlane {
  settings: DeviceSettings;
  settingsRevision: number;
  policyRevision: number;
  readonly sharesOf: SharesOf;
}

export interface HostEvents {
  submitted(host: SimHost, io: PendingIo, tag: string): void;
  answered(host: SimHost, io: PendingIo, tag: string): void;
  mode(host: SimHost, mode: CoordinationMode): void;
}

/** An application: keeps so many requests of one tag outstanding, with pauses as the profile has them. */
class Application implements IoSink {
  readonly #host: SimHost;
  readonly #plan: Plan;
  readonly #tag: string;
  readonly #rng: Rng;
  readonly #events: HostEvents;
  #on = true;

  constructor(host: SimHost, plan: Plan, { tag }: PlannedTag, rng: Rng, events: HostEvents) {
    this.#host = host;
    this.#plan = plan;
    this.#tag = tag;
    this.#rng = rng;
    this.#events = events;
  }

  start(outstanding: number): void {
    for (let i = 0; i < outstanding; i++) this.#later(this.#rng.next() * 20 * NS_PER_MS);
    if (this.#plan.profile === 'mixed') this.#turn();
  }

  completed(io: PendingIo): void {
    this.#events.answered(this.#host, io, this.#tag);
    if (io.code !== 'OK' && io.code !== 'CANCELLED' && io.code !== 'DEADLINE_EXCEEDED') this.#later(RETRY_NS);
    else if (this.#plan.profile === 'light') this.#later((5 + 40 * this.#rng.next()) * NS_PER_MS);
    else this.#later(0);
  }

  /** On for a while, off for a while. */
  #turn(): void {
    this.#host.process.after((30 + this.#rng.below(500)) * NS_PER_MS, () => {
      this.#on = !this.#on;
      if (!this.#host.ending) this.#turn();
    });
  }

  #later(ns: number): void {
    this.#host.process.after(ns, () => {
      if (this.#host.ending) return;
      if (this.#on) this.#submit();
      else this.#later(RETRY_NS);
    });
  }

  #submit(): void {
    const rng = this.#rng;
    const cost = 1 + rng.below(this.#plan.costMax);
    const odd = this.#plan.profile === 'light' ? 99 : rng.below(50);
    const timeoutNs = odd === 0 ? 5 * NS_PER_MS : 0;
    const io = new PendingIo(OPS.READ, 0, cost * 16 * KIB, null, false, timeoutNs, 0, 0, this);
    this.#events.submitted(this.#host, io, this.#tag);
    this.#host.dispatcher.submit(io, this.#tag);
    if (odd === 1 && io.state === 'queued') {
      this.#host.process.after(5 * NS_PER_MS, () => this.#host.dispatcher.cancel(io));
    }
  }
}

export class SimHost {
  /** Its number; a restarted process is another host with another number. */
  readonly number: number;
  readonly id: string;
  readonly process: HostWorld;
  readonly gate: ExchangeGate;
  readonly dispatcher: Dispatcher;
  readonly ledger: Ledger;
  /** Applications start nothing any more. */
  ending = false;
  #settingsRevision: number;

  constructor(
    number: number,
    plan: Plan,
    process: HostWorld,
    transport: ExchangeTransport,
    disk: BlockDevice,
    control: ControlPlane,
    events: HostEvents,
  ) {
    this.number = number;
    this.id = `host-${number}`;
    this.process = process;
    this.ledger = new Ledger(process);
    this.#settingsRevision = control.settingsRevision;
    this.gate = new ExchangeGate({
      device: DEVICE,
      host: this.id,
      clock: process,
      transport: this.#inProcess(transport),
      logger: QUIET,
      settings: control.settings,
      sharesOf: control.sharesOf,
      policyRevision: () => control.policyRevision,
      settingsRevision: () => this.#settingsRevision,
      options: plan.options,
      onMode: (mode) => events.mode(this, mode),
    });
    this.dispatcher = new Dispatcher({
      name: DEVICE,
      clock: process,
      device: disk,
      gate: this.gate,
      ledger: this.ledger,
      settings: control.settings,
      logger: QUIET,
    });
  }

  configure(settings: DeviceSettings, revision: number): void {
    this.#settingsRevision = revision;
    this.dispatcher.configure(settings);
  }

  /** @param place which host of the plan it stands for */
  start(plan: Plan, place: number, rng: Rng, events: HostEvents): void {
    for (const tag of plan.tags) {
      const outstanding = tag.outstanding[place]!;
      if (outstanding === 0) continue;
      new Application(this, plan, tag, rng.fork(`${this.id} ${tag.tag}`), events).start(outstanding);
    }
  }

  /** What comes over the network is handled when the process runs. */
  #inProcess(transport: ExchangeTransport): ExchangeTransport {
    return {
      exchange: (call, done) =>
        transport.exchange(call, (reply, failure) => this.process.run(() => done(reply, failure))),
      onNudge: (device, host, listener) => transport.onNudge(device, host, () => this.process.run(listener)),
    };
  }
}
