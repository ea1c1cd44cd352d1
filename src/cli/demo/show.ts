/** The demo's course: five applications whose load runs against their shares, four scenes, and the sums. */
import { setTimeout as sleep } from 'node:timers/promises';
import { RealClock } from '../../clock/real.js';
import { SluiceClient } from '../../client/index.js';
import { SluiceError } from '../../core/model/errors.js';
import { GIB, MIB, MS_PER_S } from '../../core/model/units.js';
import { SeededRng } from '../../core/rng.js';
import type { ShareReport } from '../../workload/report.js';
import { shareTable } from '../share-table.js';
import { Application, type ApplicationPlan } from './application.js';
import { Scene } from './scene.js';
import { Silence } from './silence.js';

export const DEVICE = 'disk0';
/** Low enough for shares to be seen with 8 outstanding, high enough for the drive to choose among some. */
export const DEPTH = 4;

const REGION_BYTES = 8 * MIB;
const PLANS: readonly ApplicationPlan[] = [32, 26, 20, 14, 8].map((outstanding, index) => ({
  tag: `demo-${String(index + 1)}`,
  shares: index + 1,
  outstanding,
  regionOffset: index * 64 * MIB,
  regionBytes: REGION_BYTES,
}));

export const DISK_BYTES = 8 * GIB;

/** @param target what serves the device, a key and its value in YAML */
export function config(target: string): string {
  return `
devices:
  ${DEVICE}: { ${target}, depth: ${String(DEPTH)}, scheduler: fifo }
policies:
${PLANS.map(({ tag, shares }) => `  - { device: ${DEVICE}, tag: ${tag}, shares: ${String(shares)} }`).join('\n')}
`;
}

export interface SceneReport extends ShareReport {
  readonly scene: string;
}

export interface ShowReport extends ShareReport {
  /** Front-end processes at the start. */
  readonly hosts: number;
  readonly scenes: readonly SceneReport[];
  /** The longest that an application whose host was killed was without an answer; null where none was. */
  readonly longestSilenceMs: number | null;
  readonly verifiedReads: number;
  readonly wrongReads: number;
}

/** Where the show is played: a client for each host, and a way to lose the last. */
export interface Scenery {
  readonly clients: readonly SluiceClient[];
  killLastHost(): Promise<void>;
}

export class Show {
  readonly #scenery: Scenery;
  readonly #say: (text: string) => void;
  readonly #clock = new RealClock();
  readonly #shares = new Map(PLANS.map(({ tag, shares }) => [tag, shares]));
  readonly #scenes: SceneReport[] = [];
  #applications: readonly Application[] = [];
  #scene: Scene | null = null;
  #silence: Silence | null = null;

  constructor(scenery: Scenery, say: (text: string) => void) {
    this.#scenery = scenery;
    this.#say = say;
  }

  get #client(): SluiceClient {
    return this.#scenery.clients[0]!;
  }

  /** @param seconds how long the measured scene takes; the others take a part of it */
  async run(seconds: number): Promise<ShowReport> {
    const rng = new SeededRng(1);
    const { clients } = this.#scenery;
    this.#applications = await Promise.all(
      PLANS.map(async (plan, i) => {
        const handle = await clients[i % clients.length]!.open(DEVICE, plan.tag);
        return new Application(plan, handle, rng.fork(plan.tag), (application, queueNs, serviceNs, cost) => {
          this.#scene?.served(application, queueNs, serviceNs, cost);
          this.#silence?.heard(application);
        });
      }),
    );
    const disk = `one ${clients.length === 1 ? 'simulated hard disk' : 'disk, a file with the times of a hard disk,'}`;
    const hosts = clients.length === 1 ? '' : ` by way of ${String(clients.length)} hosts on one Redis`;
    this.#say(
      `Five applications share ${disk} of depth ${String(DEPTH)}${hosts}. Their load runs against their shares:`,
    );
    for (const [i, { tag, shares, outstanding }] of PLANS.entries()) {
      const by = clients.length === 1 ? '' : `, by host ${String((i % clients.length) + 1)}`;
      this.#say(
        `  ${tag}: ${String(shares)} share${shares === 1 ? '' : 's'}, ${String(outstanding)} requests outstanding${by}`,
      );
    }
    for (const application of this.#applications) await application.write();
    for (const application of this.#applications) application.start();
    await this.#play(seconds);
    await Promise.all(this.#applications.map((application) => application.stop()));
    return this.#sum();
  }

  /** Sends nothing more and waits for nothing: the client is about to be destroyed. */
  abandon(): void {
    this.#scene = null;
    for (const application of this.#applications) void application.stop();
  }

  async #play(seconds: number): Promise<void> {
    const all = this.#applications;
    await this.#act('fifo', 'First come, first served: the loud one wins.', seconds * 0.4, all);

    await this.#client.devices.update(DEVICE, { scheduler: 'fair' });
    await this.#act('fair', 'Switched live to `fair`: each gets its part, whatever it asks for.', seconds, all);

    await this.#setShares(PLANS[0]!.tag, 10);
    await this.#act(
      'share change',
      `${PLANS[0]!.tag} is given 10 shares instead of 1, in mid-run.`,
      seconds * 0.4,
      all,
    );

    if (this.#scenery.clients.length > 1) await this.#loseHost(seconds * 0.4);

    const [resting, others] = [all.at(-1)!, all.slice(0, -1)];
    await resting.stop();
    await this.#act(
      'idle',
      `${resting.plan.tag} goes idle: its part goes to the others, by their shares.`,
      seconds * 0.4,
      others,
    );
  }

  async #loseHost(seconds: number): Promise<void> {
    const { clients } = this.#scenery;
    const theirs = this.#applications.filter((_, i) => i % clients.length === clients.length - 1);
    const tags = theirs.map(({ plan }) => plan.tag).join(' and ');
    this.#silence = new Silence(this.#clock, theirs);
    await this.#scenery.killLastHost();
    await this.#act(
      'host killed',
      `Host ${String(clients.length)} is killed (kill -9): ${tags} go on by way of another.`,
      seconds,
      this.#applications,
    );
    this.#silence.end();
    this.#say(`The longest that ${tags} were without an answer: ${String(this.#silence.longestMs)} ms.`);
  }

  async #act(name: string, what: string, seconds: number, judged: readonly Application[]): Promise<void> {
    this.#say(`\n${what} (${seconds.toFixed(0)} s)`);
    const scene = new Scene(name, this.#clock, judged, this.#shares);
    this.#scene = scene;
    await sleep(seconds * MS_PER_S);
    this.#scene = null;
    const report = scene.report(DEVICE);
    this.#scenes.push({ scene: name, ...report });
    this.#say(shareTable(report));
  }

  async #setShares(tag: string, shares: number): Promise<void> {
    await this.#client.policies.put({ device: DEVICE, tag, shares });
    this.#shares.set(tag, shares);
  }

  #sum(): ShowReport {
    const verifiedReads = this.#applications.reduce((sum, { verified }) => sum + verified, 0);
    const wrongReads = this.#applications.reduce((sum, { wrong }) => sum + wrong, 0);
    const failed = this.#applications.find((application) => application.failed > 0);
    if (failed !== undefined) {
      throw new SluiceError(
        'INTERNAL',
        `${String(failed.failed)} reads of ${failed.plan.tag} failed: ${failed.firstFailure}`,
      );
    }
    if (wrongReads > 0)
      throw new SluiceError('INTERNAL', `${String(wrongReads)} reads brought back other data than was written`);
    this.#say(`\n${String(verifiedReads)} reads, each checked against what was written: all right.`);
    const { device, seconds, contendedFraction, maxShareError, tags } = this.#scenes.find(
      ({ scene }) => scene === 'fair',
    )!;
    return {
      device,
      seconds,
      contendedFraction,
      maxShareError,
      tags,
      hosts: this.#scenery.clients.length,
      scenes: this.#scenes,
      longestSilenceMs: this.#silence?.longestMs ?? null,
      verifiedReads,
      wrongReads,
    };
  }
}
