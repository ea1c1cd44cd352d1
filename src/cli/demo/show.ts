/** The demo's course: five applications whose load runs against their shares, four scenes, and the sums. */
import { setTimeout as sleep } from 'node:timers/promises';
import { RealClock } from '../../clock/real.js';
import { SluiceClient } from '../../client/index.js';
import { SluiceError } from '../../core/model/errors.js';
import { MIB, MS_PER_S } from '../../core/model/units.js';
import { SeededRng } from '../../core/rng.js';
import type { ShareReport } from '../../workload/report.js';
import { shareTable } from '../share-table.js';
import { Application, type ApplicationPlan } from './application.js';
import { Scene } from './scene.js';

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

export const CONFIG = `
devices:
  ${DEVICE}: { simulation: { kind: hdd, size_bytes: ${String(8 * 1024 * MIB)} }, depth: ${String(DEPTH)}, scheduler: fifo }
policies:
${PLANS.map(({ tag, shares }) => `  - { device: ${DEVICE}, tag: ${tag}, shares: ${String(shares)} }`).join('\n')}
`;

export interface SceneReport extends ShareReport {
  readonly scene: string;
}

export interface ShowReport extends ShareReport {
  readonly scenes: readonly SceneReport[];
  readonly verifiedReads: number;
  readonly wrongReads: number;
}

export class Show {
  readonly #client: SluiceClient;
  readonly #say: (text: string) => void;
  readonly #clock = new RealClock();
  readonly #shares = new Map(PLANS.map(({ tag, shares }) => [tag, shares]));
  readonly #scenes: SceneReport[] = [];
  #applications: readonly Application[] = [];
  #scene: Scene | null = null;

  constructor(client: SluiceClient, say: (text: string) => void) {
    this.#client = client;
    this.#say = say;
  }

  /** @param seconds how long the measured scene takes; the others take a part of it */
  async run(seconds: number): Promise<ShowReport> {
    const rng = new SeededRng(1);
    this.#applications = await Promise.all(
      PLANS.map(async (plan) => {
        const handle = await this.#client.open(DEVICE, plan.tag);
        return new Application(plan, handle, rng.fork(plan.tag), (application, queueNs, serviceNs, cost) =>
          this.#scene?.served(application, queueNs, serviceNs, cost),
        );
      }),
    );
    this.#say(
      `Five applications share one simulated hard disk of depth ${String(DEPTH)}. Their load runs against their shares:`,
    );
    for (const { tag, shares, outstanding } of PLANS) {
      this.#say(
        `  ${tag}: ${String(shares)} share${shares === 1 ? '' : 's'}, ${String(outstanding)} requests outstanding`,
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

    const [resting, others] = [all.at(-1)!, all.slice(0, -1)];
    await resting.stop();
    await this.#act(
      'idle',
      `${resting.plan.tag} goes idle: its part goes to the others, by their shares.`,
      seconds * 0.4,
      others,
    );
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
    return { device, seconds, contendedFraction, maxShareError, tags, scenes: this.#scenes, verifiedReads, wrongReads };
  }
}
