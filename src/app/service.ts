/** The service of one process: configuration -> parts, start and stop order. */
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { RealClock } from '../clock/real.js';
import { SluiceError, invalid } from '../core/model/errors.js';
import type { Logger } from '../core/ports.js';
import { Disks } from '../control/disks.js';
import { makeDeviceFactory, type BindingSpec } from '../devices/factory.js';
import { GrpcDoor } from '../doors/grpc/door.js';
import { HttpDoor } from '../doors/http/door.js';
import { NbdDoor } from '../doors/nbd/door.js';
import { VhostDoor } from '../doors/vhost/door.js';
import { formatAddress, formatSocketAddress } from './address.js';
import { assemble, type Assembled } from './assemble.js';
import { openDataDir } from './data-dir.js';
import { memoryStore, modeOf, type Store } from './store.js';
import { IoTraces } from '../telemetry/tracing.js';
import { VERSION } from './version.js';
import { camelKeys, type Config, type NbdTlsFiles, type RawBinding } from './config.js';

/** Where the build puts the page, beside what is compiled. */
const DASHBOARD = fileURLToPath(new URL('../dashboard/', import.meta.url));

/** `starting` until everything listens; `serving`; `draining` from the first stop on; `stopped`. */
export type ServiceState = 'starting' | 'serving' | 'draining' | 'stopped';

export interface Listening {
  readonly grpc: string;
  readonly http: string;
  /** HOST:PORT or unix:/path; absent where the door is off. */
  readonly nbd?: string;
}

export class Service {
  readonly #config: Config;
  readonly #logger: Logger;
  #state: ServiceState = 'starting';
  #assembled: Assembled | null = null;
  #store: Store | null = null;
  #grpc: GrpcDoor | null = null;
  #http: HttpDoor | null = null;
  #nbd: NbdDoor | null = null;
  #vhost: VhostDoor | null = null;
  #traces: IoTraces | null = null;
  /** Configured disks that could not be attached, and why. */
  #missingDisks: string[] = [];

  constructor(config: Config, logger: Logger) {
    this.#config = config;
    this.#logger = logger;
  }

  get state(): ServiceState {
    return this.#state;
  }

  /** @throws SluiceError when an address cannot be had; nothing is left open then */
  async start(): Promise<Listening> {
    const { listen, limits } = this.#config;
    const clock = new RealClock();
    const hostId = randomUUID();
    const logger = this.#logger;
    const store = await this.#openStore(clock, hostId);
    this.#store = store;
    const { tracing } = this.#config;
    if (tracing !== null) this.#traces = await IoTraces.start(tracing, clock);
    const assembled = await assemble({
      clock,
      observer: this.#traces,
      store,
      logger,
      factory: makeDeviceFactory(bindingSpecs(this.#config.bindings), clock),
      devices: this.#config.devices,
      policies: this.#config.policies,
    }).catch(async (error: unknown) => {
      await store.close();
      throw error;
    });
    this.#assembled = assembled;
    const { host, policies, devices, usage, ledgers } = assembled;
    try {
      const vhost = new VhostDoor({ devices: host, clock, logger: this.#logger, maxIoBytes: limits.maxIoBytes });
      this.#vhost = vhost;
      this.#grpc = new GrpcDoor({
        devices: host,
        policies,
        deviceAdmin: devices,
        usage,
        disks: new Disks(vhost, host, process.env['XDG_RUNTIME_DIR'] ?? tmpdir()),
        clock,
        logger: this.#logger,
        hostId,
        limits: { ...limits, fenceMs: this.#config.fenceMs },
      });
      const grpcPort = await this.#grpc.listen(formatAddress(listen.grpc.host, listen.grpc.port));
      this.#http = new HttpDoor({
        policies,
        devices,
        usage,
        served: host,
        ledgers: () => ledgers,
        coordination: assembled.coordination,
        clock,
        logger: this.#logger,
        readiness: () => this.readiness(),
        service: () => ({
          hostId,
          version: VERSION,
          state: this.#state,
          store: this.#config.store,
          readOnly: listen.httpReadOnly,
          hosts: [
            { id: hostId, mode: store.shared ? modeOf(assembled.coordination()) : 'embedded', self: true },
            ...store.otherHosts().map((host) => ({ ...host, self: false })),
          ],
        }),
        readOnly: listen.httpReadOnly,
        dashboard: DASHBOARD,
      });
      const httpPort = await this.#http.listen(listen.http.host, listen.http.port);
      if (listen.nbd !== null) {
        this.#nbd = new NbdDoor({
          devices: host,
          policies,
          clock,
          logger: this.#logger,
          maxIoBytes: limits.maxIoBytes,
          bytesMax: limits.nbdBytes,
          tls: listen.nbdTls === null ? null : readTls(listen.nbdTls),
        });
      }
      const nbdPort = (await this.#nbd?.listen(listen.nbd!)) ?? 0;
      await this.#attachDisks(vhost);
      this.#state = 'serving';
      const listening = {
        grpc: formatAddress(listen.grpc.host, grpcPort),
        http: formatAddress(listen.http.host, httpPort),
        ...(listen.nbd === null ? {} : { nbd: formatSocketAddress(listen.nbd, nbdPort) }),
      };
      this.#logger.info({ ...listening, hostId, store: this.#config.store }, 'serving');
      if (listen.insecure)
        this.#logger.warn({}, 'listen.insecure is true: whoever reaches these addresses may do anything');
      return listening;
    } catch (error) {
      await this.#closeAll();
      throw SluiceError.from(error);
    }
  }

  async #openStore(clock: RealClock, hostId: string): Promise<Store> {
    const { redis, dataDir, bindings } = this.#config;
    const logger = this.#logger;
    if (redis === null) {
      const data = dataDir === null ? null : await openDataDir(dataDir, clock, logger);
      return memoryStore(clock, undefined, data);
    }
    const identities = Object.fromEntries(
      Object.entries(bindings).map(([name, binding]) => [name, identityOf(binding)]),
    );
    // A service of its own has no use for Redis's client.
    const { openRedisStore } = await import('./redis-store.js');
    return openRedisStore({ config: redis, clock, logger, hostId, identities });
  }

  readiness(): { ready: boolean; reasons: string[] } {
    const reasons: string[] = [];
    if (this.#state !== 'serving') reasons.push(`the service is ${this.#state}`);
    for (const device of this.#assembled?.host.list() ?? []) {
      if (device.state === 'unavailable') reasons.push(`device ${device.name} is unavailable: ${device.stateMessage}`);
    }
    reasons.push(...this.#missingDisks);
    const notes = [
      ...(this.#config.listen.insecure ? ['listen.insecure is true'] : []),
      ...(this.#store?.notes() ?? []),
    ];
    for (const { device, mode, reason, serving, inStep } of this.#assembled?.coordination() ?? []) {
      if (!inStep) (serving ? notes : reasons).push(`device ${device} is in mode ${mode}: ${reason}`);
    }
    return { ready: reasons.length === 0, reasons: [...reasons, ...notes] };
  }

  /**
   * GoAway, takes nothing new, answers what is in flight within graceMs, then closes everything.
   * @returns the devices that hold on to requests: the process ends only when it is made to
   */
  async stop(): Promise<readonly string[]> {
    if (this.#state === 'draining' || this.#state === 'stopped') return [];
    this.#state = 'draining';
    this.#logger.info({ graceMs: this.#config.graceMs }, 'draining');
    const { graceMs } = this.#config;
    await Promise.all([
      this.#grpc?.drain(graceMs),
      this.#http?.drain(graceMs),
      this.#nbd?.drain(graceMs),
      this.#vhost?.drain(graceMs),
    ]);
    const hung = await this.#closeAll();
    if (hung.length > 0) this.#logger.warn({ devices: hung }, 'devices did not give back what they hold');
    this.#logger.info({}, 'stopped');
    return hung;
  }

  /** A disk that cannot be had keeps nothing else from being served. */
  async #attachDisks(door: VhostDoor): Promise<void> {
    for (const disk of this.#config.disks) {
      try {
        await door.attach(disk);
      } catch (error) {
        const { message } = SluiceError.from(error);
        this.#missingDisks.push(`disk ${disk.socket} is not served: ${message}`);
        this.#logger.error({ disk: disk.socket, error: message }, 'a disk cannot be attached');
      }
    }
  }

  async #closeAll(): Promise<readonly string[]> {
    await this.#grpc?.close();
    await this.#http?.close();
    await this.#nbd?.close();
    await this.#vhost?.close();
    const hung = (await this.#assembled?.close()) ?? [];
    await this.#traces?.close();
    this.#state = 'stopped';
    return hung;
  }
}

/** Whole or not at all: a reader never sees half a file. */
export function writeReadyFile(file: string, listening: Listening): void {
  const part = `${file}.part`;
  writeFileSync(part, `${JSON.stringify(listening)}\n`);
  renameSync(part, file);
}

/** @throws SluiceError INVALID_ARGUMENT naming the file that cannot be read */
function readTls(files: NbdTlsFiles): { cert: Buffer; key: Buffer; ca?: Buffer } {
  const read = (name: 'cert' | 'key' | 'ca', file: string): Buffer => {
    try {
      return readFileSync(file);
    } catch (error) {
      throw invalid(`listen.nbd_tls.${name}`, `a file that can be read (${(error as Error).message})`, file);
    }
  };
  return {
    cert: read('cert', files.cert),
    key: read('key', files.key),
    ...(files.ca === undefined ? {} : { ca: read('ca', files.ca) }),
  };
}

/** What a binding says its device has to be; '' where it says nothing. */
function identityOf(binding: RawBinding): string {
  switch (binding.type) {
    case 'file':
    case 'lease':
      return binding.uuid ?? '';
    case 'nbd':
      return binding.description ?? '';
  }
}

function bindingSpecs(bindings: Readonly<Record<string, RawBinding>>): Record<string, BindingSpec> {
  return Object.fromEntries(Object.entries(bindings).map(([name, raw]) => [name, camelKeys(raw) as BindingSpec]));
}
