/** Sharded channels that somebody listens to, subscribed anew after each connection. Messages are nudges: any may be lost. */
import type { Client } from './client.js';

type Listener = (message: string) => void;

/** How long a subscription that failed on a live connection waits for its next try. */
const RETRY_MS = 1_000;

export class Subscriptions {
  readonly #client: Client;
  /** Whether the client is for messages alone; a cluster's keeps connections of its own for them. */
  readonly #own: boolean;
  readonly #channels = new Map<string, Set<Listener>>();
  #retry: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(parts: { readonly client: Client; readonly own: boolean }) {
    this.#client = parts.client;
    this.#own = parts.own;
    this.#client.on('smessage', (channel: string, message: string) => {
      for (const listener of [...(this.#channels.get(channel) ?? [])]) listener(message);
    });
    this.#client.on('ready', () => this.#subscribeAll());
    // The connection for commands says what is wrong, and says it once.
    if (this.#own) this.#client.on('error', () => undefined);
  }

  async start(): Promise<void> {
    if (this.#own) await this.#client.connect();
  }

  add(channel: string, listener: Listener): () => void {
    let listeners = this.#channels.get(channel);
    if (listeners === undefined) {
      this.#channels.set(channel, (listeners = new Set<Listener>()));
      this.#subscribe(channel);
    }
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
      if (listeners.size > 0 || this.#channels.get(channel) !== listeners) return;
      this.#channels.delete(channel);
      if (this.#ready) this.#client.sunsubscribe(channel).catch(() => undefined);
    };
  }

  close(): void {
    this.#closed = true;
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#channels.clear();
    if (this.#own) this.#client.disconnect();
  }

  get #ready(): boolean {
    return this.#client.status === 'ready' && !this.#closed;
  }

  #subscribeAll(): void {
    for (const channel of this.#channels.keys()) this.#subscribe(channel);
  }

  #subscribe(channel: string): void {
    if (!this.#ready) return;
    this.#client.ssubscribe(channel).catch(() => this.#retryLater());
  }

  #retryLater(): void {
    if (this.#closed || this.#retry !== null) return;
    this.#retry = setTimeout(() => {
      this.#retry = null;
      this.#subscribeAll();
    }, RETRY_MS);
  }
}
