/** Several `sluice serve` processes on one store, and load on each, counted at its gRPC client. */
import { setTimeout as sleep } from 'node:timers/promises';
import { SluiceClient } from '../../src/client/index.js';
import { CODES, codeName } from '../../src/core/model/errors.js';
import { OPS } from '../../src/core/model/request.js';
import type { Handle } from '../../src/client/handle.js';
import { TestService } from './service.js';

/** What one tag's requests through one host have come to. */
export class CountedLoad {
  readonly tag: string;
  readonly codes = new Map<string, number>();
  readonly client: SluiceClient;
  /** The first that did not succeed, with its reason. */
  failure = '';
  /** Where the requests were to read that did not succeed; each request reads elsewhere. */
  readonly failedAt: number[] = [];
  sent = 0;
  answered = 0;
  /** Answers beyond the first, to any request. */
  repeated = 0;
  readonly #handle: Handle;
  readonly #out = new Set<number>();
  readonly #offsets: number;
  #running = false;
  #onIdle: (() => void) | null = null;

  private constructor(client: SluiceClient, handle: Handle) {
    this.client = client;
    this.#handle = handle;
    this.tag = handle.tag;
    this.#offsets = Math.floor(handle.sizeBytes / 4_096);
  }

  /** @param outstanding requests kept out until stop() */
  static async start(address: string, device: string, tag: string, outstanding: number): Promise<CountedLoad> {
    const client = await SluiceClient.connect(address, { maxOutageMs: 60_000 });
    const load = new CountedLoad(client, await client.open(device, tag));
    load.#running = true;
    for (let i = 0; i < outstanding; i++) load.#send();
    return load;
  }

  get ok(): number {
    return this.codes.get('OK') ?? 0;
  }

  /** Sends nothing more; resolves when everything sent is answered. */
  async stop(): Promise<void> {
    this.#running = false;
    if (this.#out.size > 0) await new Promise<void>((resolve) => (this.#onIdle = resolve));
  }

  /** Ends at once: its host is gone, and its requests with it. */
  abandon(): void {
    this.#running = false;
    this.client.destroy();
  }

  async close(): Promise<void> {
    await this.stop();
    await this.client.close();
  }

  #send(): void {
    const token = this.sent++;
    this.#out.add(token);
    this.#handle.issue(OPS.READ, this.#offsetOf(token), 4_096, null, this.#sink, token);
  }

  /** Spread over the disk, the same in every run. */
  #offsetOf(token: number): number {
    return ((token * 7_919) % this.#offsets) * 4_096;
  }

  readonly #sink = {
    replied: (token: number, { code, message }: { code: number; message: string }): void => {
      if (!this.#out.delete(token)) {
        this.repeated += 1;
        return;
      }
      this.answered += 1;
      const name = codeName(code);
      if (code !== CODES.OK) {
        this.failure ||= `${name}: ${message}`;
        this.failedAt.push(this.#offsetOf(token));
      }
      this.codes.set(name, (this.codes.get(name) ?? 0) + 1);
      if (this.#running) {
        // What is refused at once is asked again a little later.
        if (code === CODES.OK) this.#send();
        else setTimeout(() => this.#running && this.#send(), 50);
      }
      if (this.#out.size === 0) this.#onIdle?.();
    },
  };
}

export class Hosts implements AsyncDisposable {
  readonly services: TestService[] = [];
  readonly #config: (made: number) => string;
  #made = 0;
  readonly #args: readonly string[];
  readonly #environment: (made: number) => Record<string, string>;

  private constructor(
    config: (made: number) => string,
    args: readonly string[],
    environment: (made: number) => Record<string, string>,
  ) {
    this.#config = config;
    this.#args = args;
    this.#environment = environment;
  }

  /**
   * @param config of all, or of each by its number from 0
   * @param environment of each by its number
   */
  static async start(
    count: number,
    store: string,
    config: string | ((made: number) => string),
    more: readonly string[] = [],
    environment: (made: number) => Record<string, string> = () => ({}),
  ): Promise<Hosts> {
    const configOf = typeof config === 'string' ? () => config : config;
    const hosts = new Hosts(configOf, ['--store', store, ...more], environment);
    // By their numbers, whichever is ready first.
    hosts.services.push(...(await Promise.all(Array.from({ length: count }, () => hosts.#make()))));
    return hosts;
  }

  async add(): Promise<TestService> {
    const service = await this.#make();
    this.services.push(service);
    return service;
  }

  #make(): Promise<TestService> {
    const made = this.#made++;
    return TestService.start({
      config: this.#config(made),
      args: this.#args,
      environment: this.#environment(made),
    });
  }

  /** How each host says that it stands, as /v1/service does. */
  modes(): Promise<string[]> {
    return Promise.all(this.services.map((service) => modeOf(service)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.services.map((service) => service[Symbol.asyncDispose]()));
  }
}

/** What it has logged of how it stands to the devices, in modes and in what it noticed of its clocks. */
export function standingLines(service: TestService): string[] {
  return service.output.split('\n').filter((line) => /coordination of the device|the wall clock jumped/.test(line));
}

async function modeOf(service: TestService): Promise<string> {
  const response = await fetch(`http://${service.http}/v1/service`);
  const { hosts } = (await response.json()) as { hosts: { mode: string; self: boolean }[] };
  return hosts.find(({ self }) => self)!.mode;
}

/** Requests that were executed on the device, over all hosts, as the host says. */
export async function executions(service: TestService, device: string): Promise<number> {
  const client = await SluiceClient.connect(service.grpc);
  let sum = 0;
  for await (const row of client.usage.query({ device })) for (const op of row.ops) sum += op.count;
  await client.close();
  return sum;
}

/** Requests at the device over all hosts, looked at `times` times: the most that was seen. */
export async function mostOutstanding(hosts: readonly TestService[], device: string, times: number): Promise<number> {
  let most = 0;
  for (let look = 0; look < times; look++) {
    const outstanding = await Promise.all(
      hosts.map(async ({ http }) => {
        const response = await fetch(`http://${http}/v1/devices/${device}`);
        return ((await response.json()) as { outstanding: number }).outstanding;
      }),
    );
    most = Math.max(
      most,
      outstanding.reduce((sum, each) => sum + each, 0),
    );
    await sleep(50);
  }
  return most;
}
