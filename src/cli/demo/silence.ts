/** How long applications are without an answer, each by itself: the longest of all is what is told. */
import { NS_PER_MS } from '../../core/model/units.js';
import type { Clock } from '../../core/ports.js';
import type { Application } from './application.js';

export class Silence {
  readonly #clock: Clock;
  readonly #sinceNs: Map<Application, number>;
  #longestNs = 0;

  constructor(clock: Clock, applications: readonly Application[]) {
    this.#clock = clock;
    this.#sinceNs = new Map(applications.map((application) => [application, clock.nowNs()]));
  }

  get longestMs(): number {
    return Math.round(this.#longestNs / NS_PER_MS);
  }

  heard(application: Application): void {
    const sinceNs = this.#sinceNs.get(application);
    if (sinceNs === undefined) return;
    const nowNs = this.#clock.nowNs();
    this.#longestNs = Math.max(this.#longestNs, nowNs - sinceNs);
    this.#sinceNs.set(application, nowNs);
  }

  /** What has not been heard of by now was silent all the time; nothing counts from here on. */
  end(): void {
    for (const application of this.#sinceNs.keys()) this.heard(application);
    this.#sinceNs.clear();
  }
}
