/**
 * The way to Redis, for the stores and the exchange: one connection for commands and one for
 * messages, kept up for ever.
 *
 *   open ─ checks ─▶ up ──(closed, silent)──▶ down ──(again, server known)──▶ up ─▶ …
 *
 * `up` means that the server is known: its run id tells whether it is the one that answered before.
 * While down every call fails at once with STORE_UNAVAILABLE; nothing is queued, nothing repeated.
 * A change of state is logged once, however many tries it takes.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Cluster, type ChainableCommander, type Redis } from 'ioredis';
import { SluiceError } from '../../core/model/errors.js';
import type { Logger } from '../../core/ports.js';
import { checkServers, readInfo } from './checks.js';
import { makeClient, type Client, type ClientSettings, type StoreTls } from './client.js';
import { replyCode, storeError } from './errors.js';
import type { Library, Script } from './script.js';
import { slotOf } from './slots.js';
import { Subscriptions } from './subscriptions.js';
import type { StoreUrl } from './url.js';

export interface ConnectionOptions {
  readonly url: StoreUrl;
  /** Instead of the one in the URL; '' = that one. */
  readonly password: string;
  readonly tls: StoreTls;
  readonly logger: Logger;
  /** How long a command may take before it fails; default 2000. */
  readonly commandTimeoutMs?: number;
}

export type Argument = string | number | Buffer;
type Command = readonly [name: string, ...args: Argument[]];

const COMMAND_TIMEOUT_MS = 2_000;
/** How long an end waits for answers, and how often it looks. */
const END_MS_MAX = 500;
const END_STEP_MS = 5;
/** How long a first connection may take. */
const START_MS_MAX = 5_000;
const RETRY_MS_MIN = 25;
const RETRY_MS_MAX = 1_000;

/** Doubles up to a second; a part at random keeps hosts that lost one server from coming back in step. */
function backoffMs(attempt: number): number {
  const ceiling = Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** Math.min(attempt, 10));
  return Math.round(ceiling * (0.5 + Math.random() / 2));
}

export class RedisConnection {
  /** The store's URL without credentials. */
  readonly shown: string;
  readonly #client: Client;
  readonly #subscriptions: Subscriptions;
  readonly #logger: Logger;
  readonly #listeners = new Set<() => void>();
  /** Run ids by node, `HOST:PORT`; a single server's by ''. */
  readonly #servers = new Map<string, string>();
  /** Calls that are not answered yet. */
  #inFlight = 0;
  #open = false;
  #closed = false;
  #up = false;
  #reason = '';

  private constructor(options: ConnectionOptions) {
    const { url, password } = options;
    this.shown = url.shown;
    this.#logger = options.logger;
    const settings: ClientSettings = {
      url,
      password: password === '' ? url.password : password,
      tls: options.tls,
      name: 'sluice',
      connectTimeoutMs: COMMAND_TIMEOUT_MS,
      commandTimeoutMs: options.commandTimeoutMs ?? COMMAND_TIMEOUT_MS,
      // A start that fails says so instead of trying for ever.
      retryMs: (attempt) => (this.#closed || !this.#open ? null : backoffMs(attempt)),
    };
    this.#client = makeClient(settings);
    this.#subscriptions = new Subscriptions(
      this.#client instanceof Cluster
        ? { client: this.#client, own: false }
        : { client: makeClient({ ...settings, name: 'sluice-messages' }), own: true },
    );
    this.#watch();
  }

  /**
   * Connects and checks what is there.
   * @throws SluiceError STORE_UNAVAILABLE: not there, wrong password, too old, evicting, without the rights, slots down
   */
  static async open(options: ConnectionOptions): Promise<RedisConnection> {
    const connection = new RedisConnection(options);
    try {
      await connection.#start(options.url, options.logger);
      return connection;
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  get up(): boolean {
    return this.#up;
  }

  /** Why it is not up; '' while it is. */
  get reason(): string {
    return this.#up ? '' : this.#reason;
  }

  /** Run id of the server process that has the key, '' while it is not known. Another one may have other data. */
  serverOf(key: string): string {
    return this.#servers.get(this.nodeOf(key)) ?? '';
  }

  /** HOST:PORT of the cluster's node that has the key; '' for a single server, and while it is not known. */
  nodeOf(key: string): string {
    return this.#client instanceof Cluster ? (this.#client.slots[slotOf(key)]?.[0] ?? '') : '';
  }

  /** Told when it goes down, comes up, or a server is another. @returns how to stop */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Runs a script; all keys share one hash tag. Whether it ran is not known when it fails with STORE_UNAVAILABLE.
   * @throws SluiceError STORE_UNAVAILABLE, INTERNAL (the script failed)
   */
  async run(script: Script, keys: readonly string[], args: readonly Argument[]): Promise<unknown> {
    return await this.#run(
      () => this.#client.evalsha(script.digest, keys.length, ...keys, ...args),
      'NOSCRIPT',
      () => this.#client.eval(script.text, keys.length, ...keys, ...args),
    );
  }

  /**
   * Calls a library's function, one that answers with bytes and may be called twice. Where it fails the library is
   * loaded and it is called once more: a server that does not have it has no code of its own to say so.
   * @throws SluiceError as run
   */
  async callForBytes(library: Library, keys: readonly string[], args: readonly Argument[]): Promise<Buffer> {
    const call = (): Promise<unknown> =>
      this.#client.callBuffer('FCALL', library.called, keys.length, ...keys, ...args);
    const reply = await this.#run(call, 'ERR', async () => {
      await this.#masterOf(keys[0]!).call('FUNCTION', 'LOAD', 'REPLACE', library.text);
      return await call();
    });
    if (reply instanceof Buffer) return reply;
    throw new SluiceError(
      'INTERNAL',
      `store ${this.shown}: function ${library.name} answered with something else than bytes`,
    );
  }

  async #run(known: () => Promise<unknown>, lackCode: string, afterLoading: () => Promise<unknown>): Promise<unknown> {
    this.#needUp();
    this.#inFlight += 1;
    try {
      return await known().catch((error: unknown) => {
        if (replyCode(error) === lackCode) return afterLoading();
        throw error;
      });
    } catch (error) {
      throw storeError(this.shown, error);
    } finally {
      this.#inFlight -= 1;
    }
  }

  /**
   * Sends commands in one go and gathers their replies; all keys share one hash tag. Not a transaction.
   * @throws SluiceError as run, for the first that failed
   */
  batch(commands: readonly Command[]): Promise<unknown[]> {
    return this.#pipelined(commands, (pipeline, name, args) => pipeline.call(name, ...args));
  }

  /** As batch, with replies of bytes as they are: for values that are no text. */
  batchBytes(commands: readonly Command[]): Promise<unknown[]> {
    return this.#pipelined(commands, (pipeline, name, args) => pipeline.callBuffer(name, ...args));
  }

  async #pipelined(
    commands: readonly Command[],
    add: (pipeline: ChainableCommander, name: string, args: Argument[]) => unknown,
  ): Promise<unknown[]> {
    this.#needUp();
    try {
      const pipeline = this.#client.pipeline();
      for (const [name, ...args] of commands) add(pipeline, name, args);
      const replies = (await pipeline.exec()) ?? [];
      return replies.map(([error, reply]) => {
        if (error !== null) throw error;
        return reply;
      });
    } catch (error) {
      throw storeError(this.shown, error);
    }
  }

  /** Listens to a channel (sharded: it lies with the key of that name). Messages may be lost. @returns how to stop */
  subscribe(channel: string, listener: (message: string) => void): () => void {
    return this.#subscriptions.add(channel, listener);
  }

  /** Closes once what was sent is answered, or after a moment. */
  async end(): Promise<void> {
    const until = performance.now() + END_MS_MAX;
    while (this.#up && this.#inFlight > 0 && performance.now() < until) await sleep(END_STEP_MS);
    this.close();
  }

  close(): void {
    this.#closed = true;
    this.#up = false;
    this.#listeners.clear();
    this.#subscriptions.close();
    this.#client.disconnect();
  }

  async #start(url: StoreUrl, logger: Logger): Promise<void> {
    const deadline = new AbortController();
    try {
      await Promise.race([this.#client.connect(), sleep(START_MS_MAX, undefined, { signal: deadline.signal })]);
      if (this.#client.status !== 'ready') throw new Error(`no answer within ${String(START_MS_MAX)} ms`);
      await checkServers(url, this.#masters(), logger);
      await Promise.all(this.#masters().map((node) => this.#identify(node)));
      await this.#subscriptions.start();
    } catch (error) {
      throw this.#startError(url, error);
    } finally {
      deadline.abort();
    }
    this.#open = true;
    this.#setUp();
  }

  /** ioredis tells the reason by an event, and by the promise only that it ended. */
  #startError(url: StoreUrl, error: unknown): SluiceError {
    if (error instanceof SluiceError) return error;
    const reason = this.#reason === '' ? (error as Error).message : this.#reason;
    const what = /WRONGPASS|NOAUTH|invalid username-password|AUTH failed/i.test(reason)
      ? `does not take ${url.user === '' ? 'the password' : `user ${url.user} with this password`}`
      : 'is not to be reached';
    return new SluiceError('STORE_UNAVAILABLE', `store ${this.shown} ${what}: ${reason}`, { field: 'store' });
  }

  #needUp(): void {
    if (this.#up) return;
    throw new SluiceError('STORE_UNAVAILABLE', `store ${this.shown} is away: ${this.#reason || 'not connected'}`);
  }

  #masters(): Redis[] {
    return this.#client instanceof Cluster ? this.#client.nodes('master') : [this.#client];
  }

  /** @throws SluiceError STORE_UNAVAILABLE while it is not known */
  #masterOf(key: string): Redis {
    if (!(this.#client instanceof Cluster)) return this.#client;
    const name = this.nodeOf(key);
    const node = this.#client.nodes('master').find((each) => nodeKey(each) === name);
    if (node !== undefined) return node;
    throw new SluiceError('STORE_UNAVAILABLE', `store ${this.shown} has no master for ${key} now`);
  }

  #watch(): void {
    const client = this.#client;
    client.on('error', (error: Error) => (this.#reason = reasonOf(error)));
    client.on('ready', () => {
      if (!this.#open) return;
      void Promise.all(this.#masters().map((node) => this.#identify(node))).then(
        () => this.#setUp(),
        // The connection that was asked has ended meanwhile: the next one asks again.
        () => undefined,
      );
    });
    client.on('close', () => this.#setDown());
    if (!(client instanceof Cluster)) return;
    client.on('node error', (error: Error) => (this.#reason = reasonOf(error)));
    client.on('+node', (node: Redis) => {
      node.on('ready', () => void this.#identify(node).then(() => this.#tell(), noop));
      node.on('close', () => this.#servers.delete(nodeKey(node)));
    });
  }

  async #identify(node: Redis): Promise<void> {
    const runId = readInfo(await node.info('server')).get('run_id') ?? '';
    this.#servers.set(this.#client instanceof Cluster ? nodeKey(node) : '', runId);
  }

  #setUp(): void {
    if (this.#closed || this.#client.status !== 'ready') return;
    const was = this.#up;
    this.#up = true;
    if (!was) this.#logger.info({ store: this.shown, server: this.#servers.get('') }, 'the store is connected');
    this.#reason = '';
    this.#tell();
  }

  #setDown(): void {
    if (!this.#up) return;
    this.#up = false;
    this.#servers.clear();
    this.#reason ||= 'the connection was closed';
    this.#logger.warn({ store: this.shown, reason: this.#reason }, 'the store is away: connecting again');
    this.#tell();
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

function noop(): void {
  // The node has gone again; its next connection tells.
}

function nodeKey(node: Redis): string {
  return `${node.options.host ?? ''}:${String(node.options.port)}`;
}

/** What went wrong underneath: a cluster's error carries the one of the node that was asked last. */
function reasonOf(error: Error & { lastNodeError?: Error }): string {
  return error.lastNodeError?.message ?? error.message;
}
