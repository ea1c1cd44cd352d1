/** How a host stands to the shared state of one device; what readiness, metrics and the log say. */
import type { Logger } from '../../core/ports.js';

export type CoordinationMode =
  /** No epoch that lives: the host states what it holds and waits. What is at the device goes on. */
  | 'joining'
  /** Grants and the advance come from the state. */
  | 'coordinated'
  /** The state is new and hears first what hosts hold: this host runs on its outage quota. */
  | 'settling'
  /** The store is away: this host runs on its outage quota. */
  | 'outage-continue'
  /** The store is away: requests are answered STORE_UNAVAILABLE. */
  | 'outage-reject'
  /** The state does not take this host: requests are answered with its reason. */
  | 'refused'
  | 'closed';

/** Whether a host in this mode serves as it should: what readiness asks. */
export function isInStep(mode: CoordinationMode): boolean {
  return mode === 'coordinated' || mode === 'settling';
}

/** The mode of one device on one host, with one log line a change. */
export class ModeState {
  mode: CoordinationMode = 'joining';
  reason = 'starting';
  sinceNs: number;
  readonly #logger: Logger;
  readonly #fields: Record<string, unknown>;
  readonly #changed: (mode: CoordinationMode, was: CoordinationMode) => void;

  constructor(
    logger: Logger,
    fields: Record<string, unknown>,
    nowNs: number,
    changed: (mode: CoordinationMode, was: CoordinationMode) => void,
  ) {
    this.#logger = logger;
    this.#fields = fields;
    this.#changed = changed;
    this.sinceNs = nowNs;
  }

  set(mode: CoordinationMode, reason: string, nowNs: number): void {
    const was = this.mode;
    if (mode === was) return;
    this.mode = mode;
    this.reason = reason;
    this.sinceNs = nowNs;
    const fields = { ...this.#fields, mode, was, reason };
    if (isInStep(mode) || mode === 'closed') this.#logger.info(fields, 'coordination of the device');
    else this.#logger.warn(fields, 'coordination of the device');
    this.#changed(mode, was);
  }
}
