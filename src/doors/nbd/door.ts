/**
 * The NBD door: exports `DEVICE@TAG` to anything that speaks NBD, such as QEMU or the Linux kernel.
 * Fixed newstyle; https://github.com/NetworkBlockDevice/nbd/blob/master/doc/proto.md is its source.
 *
 * A drain: the port closes, clients in negotiation go, requests that come are answered ESHUTDOWN;
 * a connection closes as its last request is answered.
 */
import { createServer, type AddressInfo, type Server } from 'node:net';
import { SluiceError, invalid } from '../../core/model/errors.js';
import { NS_PER_MS } from '../../core/model/units.js';
import { removeStaleSocket } from './stale-socket.js';
import { NbdConnection } from './connection.js';
import { MemoryBudget } from './memory-budget.js';
import type { NbdDoorMemory, NbdDoorParts } from './parts.js';
import { ReadPlaces } from './read-places.js';
import { WriteBuffers } from './reply-writer.js';

/** Clients at a time; further ones are closed at once. */
const CONNECTIONS_MAX = 1_024;
/** How long the last answers may take to reach their clients before connections are cut. */
const CLOSE_MS = 500;

/** HOST:PORT, or the path of a Unix socket. */
export type NbdAddress = { readonly host: string; readonly port: number } | { readonly path: string };

export class NbdDoor {
  readonly #parts: NbdDoorParts;
  readonly #server: Server;
  readonly #connections = new Set<NbdConnection>();
  readonly #memory: NbdDoorMemory;
  #idle: (() => void) | null = null;
  #draining: Promise<void> | null = null;
  #closing: Promise<void> | null = null;

  constructor(parts: NbdDoorParts) {
    this.#parts = parts;
    this.#memory = {
      budget: new MemoryBudget(parts.bytesMax, CONNECTIONS_MAX, parts.clock),
      buffers: new WriteBuffers(),
      places: new ReadPlaces(),
    };
    this.#server = createServer((socket) => {
      this.#connections.add(new NbdConnection(socket, parts, this.#memory, (connection) => this.#gone(connection)));
    });
    this.#server.maxConnections = CONNECTIONS_MAX;
  }

  /** Clients that are connected. */
  get connections(): number {
    return this.#connections.size;
  }

  /** Of these, clients whose next request waits for room in `bytesMax`. */
  get waiting(): number {
    return this.#memory.budget.waiting;
  }

  /**
   * Listens; port 0 = a free one.
   * @returns the port; 0 for a Unix socket
   * @throws SluiceError INVALID_ARGUMENT where the address cannot be had
   */
  async listen(address: NbdAddress): Promise<number> {
    if ('path' in address) await removeStaleSocket(address.path);
    return this.#listen(address);
  }

  #listen(address: NbdAddress): Promise<number> {
    return new Promise((resolve, reject) => {
      const refuse = (error: Error): void => {
        const got = 'path' in address ? `unix:${address.path}` : `${address.host}:${String(address.port)}`;
        reject(invalid('listen.nbd', `an address that is free to listen at (${error.message})`, got));
      };
      this.#server.once('error', refuse);
      this.#server.listen(address, () => {
        this.#server.off('error', refuse);
        // A connection that was gone before it was accepted is no reason to end the service.
        this.#server.on('error', (error) => {
          this.#parts.logger.warn({ error: error.message }, 'the NBD door could not accept');
        });
        resolve('path' in address ? 0 : (this.#server.address() as AddressInfo).port);
      });
    });
  }

  /** Takes nothing new, answers what is out, closes. Past the grace time the rest is cancelled. */
  drain(graceMs: number): Promise<void> {
    this.#draining ??= this.#drain(graceMs);
    return this.#draining;
  }

  /** Ends everything now: what is queued is cancelled, what is at a device is not answered. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #drain(graceMs: number): Promise<void> {
    if (this.#server.listening) this.#server.close();
    for (const connection of [...this.#connections]) connection.drain();
    if (!(await this.#emptyWithin(graceMs))) {
      for (const connection of [...this.#connections]) connection.cancelQueued();
      await this.#emptyWithin(CLOSE_MS);
    }
    await this.close();
  }

  async #close(): Promise<void> {
    const closed = new Promise<void>((resolve, reject) => {
      if (!this.#server.listening) resolve();
      else this.#server.close((error) => (error === undefined ? resolve() : reject(SluiceError.from(error))));
    });
    for (const connection of [...this.#connections]) connection.close();
    this.#memory.budget.close();
    await closed;
  }

  /** Whether all connections were gone in time. */
  #emptyWithin(ms: number): Promise<boolean> {
    if (this.#connections.size === 0) return Promise.resolve(true);
    return new Promise((resolve) => {
      const timer = this.#parts.clock.after(ms * NS_PER_MS, () => resolve(false));
      this.#idle = () => {
        timer.cancel();
        resolve(true);
      };
    });
  }

  #gone(connection: NbdConnection): void {
    this.#connections.delete(connection);
    if (this.#connections.size === 0) this.#idle?.();
  }
}
