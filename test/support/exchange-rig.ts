/** A dispatcher with an exchange gate, on a device that the test completes and a state that the test plays. */
import { VirtualClock } from '../../src/clock/virtual.js';
import { ExchangeGate } from '../../src/coordination/exchange/gate.js';
import { coordinationOptions, type CoordinationOptions } from '../../src/coordination/exchange/options.js';
import type { CoordinationMode } from '../../src/coordination/exchange/modes.js';
import { Dispatcher } from '../../src/core/dispatcher.js';
import { DEFAULT_SETTINGS } from '../../src/core/model/device.js';
import { OPS, type Op } from '../../src/core/model/request.js';
import { NS_PER_MS } from '../../src/core/model/units.js';
import type { Clock, Logger, Timer } from '../../src/core/ports.js';
import { PendingIo, type IoSink } from '../../src/core/pending-io.js';
import { Ledger } from '../../src/core/usage.js';
import { ManualDevice } from './dispatcher-rig.js';
import { ScriptedState } from './scripted-state.js';

/** A virtual clock whose wall time may be set apart from it, and whose timers may stand still. */
export class HostClock implements Clock {
  readonly inner = new VirtualClock(1_700_000_000_000);
  wallOffMs = 0;

  nowNs(): number {
    return this.inner.nowNs();
  }

  wallMs(): number {
    return this.inner.wallMs() + this.wallOffMs;
  }

  after(ns: number, fn: () => void): Timer {
    return this.inner.after(ns, fn);
  }
}

export class ExchangeRig {
  readonly clock = new HostClock();
  readonly state = new ScriptedState();
  readonly device = new ManualDevice(this.clock.inner);
  readonly answered: PendingIo[] = [];
  readonly modes: CoordinationMode[] = [];
  readonly logged: string[] = [];
  readonly gate: ExchangeGate;
  readonly dispatcher: Dispatcher;
  revision = 1;
  readonly shares = new Map<string, number>();
  readonly sink: IoSink = { completed: (io) => this.answered.push(io) };
  readonly #logger: Logger = {
    info: (_fields, message) => this.logged.push(message),
    warn: (_fields, message) => this.logged.push(message),
    error: (_fields, message) => this.logged.push(message),
  };

  constructor(options: Partial<CoordinationOptions> = {}) {
    this.gate = new ExchangeGate({
      device: 'disk0',
      host: 'host-1',
      clock: this.clock,
      transport: this.state,
      logger: this.#logger,
      settings: DEFAULT_SETTINGS,
      sharesOf: (tag) => ({ shares: this.shares.get(tag) ?? 100, selfShares: 100 }),
      policyRevision: () => this.revision,
      settingsRevision: () => 1,
      options: coordinationOptions(options),
      onMode: (mode) => this.modes.push(mode),
    });
    this.dispatcher = new Dispatcher({
      name: 'disk0',
      clock: this.clock,
      device: this.device,
      gate: this.gate,
      ledger: new Ledger(this.clock),
      settings: DEFAULT_SETTINGS,
      logger: this.#logger,
    });
  }

  /** Joined and answered. */
  static joined(options: Partial<CoordinationOptions> = {}): ExchangeRig {
    const rig = new ExchangeRig(options);
    rig.turn();
    rig.state.answer();
    return rig;
  }

  send(tag: string, count = 1, op: Op = OPS.READ): PendingIo[] {
    const sent: PendingIo[] = [];
    for (let i = 0; i < count; i++) {
      const data = op === OPS.WRITE ? new Uint8Array(4096) : null;
      const io = new PendingIo(op, i * 4096, 4096, data, false, 0, i, 0, this.sink);
      this.dispatcher.submit(io, tag);
      sent.push(io);
    }
    return sent;
  }

  /** What is due now happens: the next turn of the event loop. */
  turn(): void {
    this.clock.inner.runFor(0);
  }

  runMs(ms: number): void {
    this.clock.inner.runFor(ms * NS_PER_MS);
  }

  /** Answers every call at once for so long, in steps of a millisecond. */
  runAnsweredMs(ms: number): void {
    for (let i = 0; i < ms; i++) {
      this.runMs(1);
      while (this.state.waiting.length > 0) this.state.answer();
    }
  }
}
