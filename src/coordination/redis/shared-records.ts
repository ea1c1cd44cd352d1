/**
 * One kind of records that all hosts share, in Redis, and this host's copy of them.
 *
 * Reads bring the copy up to date first and answer from it, so that they see every write answered
 * before. A message says that something changed; a poll makes good what messages miss. When the
 * state in Redis is not the one the copy is of (emptied, older data, another life), the copy is
 * offered to it first, then made anew: records come back at their newest revision over all hosts,
 * deleted ones stay deleted, and no write is taken for `restoreMs`, in which every host that lives
 * has polled.
 */
import { randomUUID } from 'node:crypto';
import { SluiceError } from '../../core/model/errors.js';
import { NS_PER_MS } from '../../core/model/units.js';
import type { Clock, Logger, Timer } from '../../core/ports.js';
import type { RedisConnection } from './connection.js';
import { RecordCopy } from './record-copy.js';
import { readRestore, readSync, readWrite, type RecordChange, type WriteReply } from './record-replies.js';
import { KEY_PREFIX } from './requirements.js';
import { loadScript } from './script.js';

export interface SharedRecordsOptions {
  readonly connection: RedisConnection;
  readonly clock: Clock;
  readonly logger: Logger;
  /** What kind they are, in keys and messages: `policies`. */
  readonly kind: string;
  /** Schema that is written; it and the one before are read. */
  readonly schema: number;
  readonly pollMs: number;
  readonly restoreMs: number;
  readonly eventsKept: number;
}

/** One write; `demand`: '' none, '*' nothing is there, else the revision that has to be there. `value`: null deletes. */
export interface RecordWrite {
  readonly key: string;
  readonly demand: string;
  readonly value: string | null;
}

/** What the copy's owner is told, in order. */
export interface RecordListener {
  /** All there is, once, before anything else; `log` = its last changes. */
  loaded(copy: RecordCopy, log: readonly RecordChange[]): void;
  /** Changes, in order of revision. */
  changed(changes: readonly RecordChange[]): void;
  /** What happened before this revision is no longer known. */
  historyBroken(revision: number): void;
}

/** What changed, or why nothing did. */
export type WriteResult = Extract<WriteReply, { kind: 'ok' | 'missing' | 'mismatch' }>;

const TOMBSTONES_KEPT = 10_000;
const ANSWERS_KEPT_MS = 3_600_000;
/** Records that one call of records-restore takes: bounds how long Redis is busy with it. */
const RESTORE_BATCH = 500;
/** Lives of a state that may begin while one sync tries to join it. */
const JOIN_TRIES = 5;

const SYNC = loadScript('records-sync');
const WRITE = loadScript('records-write');
const RESTORE = loadScript('records-restore');

export class SharedRecords {
  readonly #options: SharedRecordsOptions;
  readonly #listener: RecordListener;
  readonly #keys: { readonly [name in 'meta' | 'records' | 'tombstones' | 'log' | 'changed']: string };
  readonly #copy = new RecordCopy(TOMBSTONES_KEPT);
  readonly #stops: (() => void)[] = [];
  #loaded = false;
  #closed = false;
  #waitMs = 0;
  #running: Promise<void> = Promise.resolve();
  #queued: Promise<void> | null = null;
  #poll: Timer | null = null;
  /** What the last background sync failed with, so that it is logged once. */
  #failure = '';

  constructor(options: SharedRecordsOptions, listener: RecordListener) {
    this.#options = options;
    this.#listener = listener;
    const base = `${KEY_PREFIX}{${options.kind}}:`;
    this.#keys = {
      meta: `${base}meta`,
      records: `${base}records`,
      tombstones: `${base}tombstones`,
      log: `${base}log`,
      changed: `${base}changed`,
    };
  }

  get copy(): RecordCopy {
    return this.#copy;
  }

  /** @throws SluiceError STORE_UNAVAILABLE; UNSUPPORTED where the state is of another schema */
  async start(): Promise<void> {
    await this.sync();
    const { connection } = this.#options;
    const again = (): void => this.#syncInBackground();
    this.#stops.push(
      connection.subscribe(this.#keys.changed, again),
      connection.onChange(() => {
        if (connection.up) again();
      }),
    );
    this.#schedulePoll();
  }

  /**
   * Resolves when the copy has all that was written before the call.
   * @throws SluiceError STORE_UNAVAILABLE, UNSUPPORTED
   */
  sync(): Promise<void> {
    // One that is under way may have read before this call: wait for the one after it.
    this.#queued ??= this.#running
      .catch(() => undefined)
      .then(() => {
        this.#running = this.#queued!;
        this.#queued = null;
        return this.#syncOnce();
      });
    return this.#queued;
  }

  /** Resolves when writes are taken. @throws SluiceError as sync */
  async ready(): Promise<void> {
    for (;;) {
      await this.sync();
      if (this.#waitMs === 0) return;
      const waitNs = this.#waitMs * NS_PER_MS;
      await new Promise<void>((resolve) => this.#options.clock.after(waitNs, resolve));
    }
  }

  /**
   * All or none. The same non-empty request id again gives the first answer.
   * @throws SluiceError STORE_UNAVAILABLE (whether it was written is not known, unless it says so), UNSUPPORTED
   */
  async write(writes: readonly RecordWrite[], requestId: string): Promise<WriteResult> {
    const { connection, eventsKept } = this.#options;
    const { meta, records, tombstones, log, changed } = this.#keys;
    const answerKey = `${KEY_PREFIX}{${this.#options.kind}}:answer:${requestId}`;
    const args = [
      ...this.#schemas(),
      randomUUID(),
      requestId === '' ? '0' : '1',
      ANSWERS_KEPT_MS,
      eventsKept,
      TOMBSTONES_KEPT,
      ...writes.flatMap(({ key, demand, value }) => [key, demand, value ?? '']),
    ];
    for (;;) {
      const reply = readWrite(await connection.run(WRITE, [meta, records, tombstones, log, answerKey, changed], args));
      switch (reply.kind) {
        case 'ok':
          await this.sync();
          return reply;
        case 'missing':
        case 'mismatch':
          return reply;
        case 'absent':
          await this.sync();
          break;
        case 'restoring':
          throw new SluiceError(
            'STORE_UNAVAILABLE',
            `${this.#options.kind} are being restored: writes are taken again in ${String(reply.waitMs)} ms, nothing was written`,
            { retryAfterMs: reply.waitMs },
          );
        case 'schema':
          throw this.#wrongSchema(reply.found);
      }
    }
  }

  /**
   * Writes those of which the store knows nothing, present or deleted: what a configuration file
   * says is where a store begins, not what it goes back to with every start of a host.
   */
  async seed(records: readonly { readonly key: string; readonly value: string }[]): Promise<void> {
    if (records.length === 0) return;
    await this.ready();
    for (const { key, value } of records) {
      if (this.#copy.records.has(key) || this.#copy.tombstones.has(key)) continue;
      // Refused where another host that starts now was first.
      await this.write([{ key, demand: '*', value }], '');
    }
  }

  close(): void {
    this.#closed = true;
    this.#poll?.cancel();
    for (const stop of this.#stops) stop();
  }

  #schemas(): [number, number] {
    const { schema } = this.#options;
    return [schema, Math.max(1, schema - 1)];
  }

  #wrongSchema(found: number): SluiceError {
    const [schema, oldest] = this.#schemas();
    const read = oldest === schema ? String(schema) : `${String(oldest)} and ${String(schema)}`;
    return new SluiceError(
      'UNSUPPORTED',
      `store ${this.#options.connection.shown} holds ${this.#options.kind} of schema ${String(found)}, this version reads ${read}: ${
        found > schema ? 'upgrade this host' : 'start a version in between first'
      }`,
      { field: 'store' },
    );
  }

  #schedulePoll(): void {
    if (this.#closed) return;
    this.#poll = this.#options.clock.after(this.#options.pollMs * NS_PER_MS, () => {
      if (this.#options.connection.up) this.#syncInBackground();
      this.#schedulePoll();
    });
  }

  #syncInBackground(): void {
    this.sync().then(
      () => (this.#failure = ''),
      (error: unknown) => {
        const { code, message } = SluiceError.from(error);
        // That the store is away the connection has said.
        if (this.#closed || code === 'STORE_UNAVAILABLE' || message === this.#failure) return;
        this.#failure = message;
        this.#options.logger.error({ error: message }, `${this.#options.kind} cannot be followed`);
      },
    );
  }

  async #syncOnce(): Promise<void> {
    const { meta, records, tombstones, log } = this.#keys;
    let { incarnation } = this.#copy;
    for (let attempt = 1; attempt <= JOIN_TRIES; attempt++) {
      const { revision, head } = this.#copy;
      const args = [...this.#schemas(), incarnation, revision, head, randomUUID(), this.#options.restoreMs];
      const reply = readSync(
        await this.#options.connection.run(SYNC, [meta, records, tombstones, log], [...args, this.#loaded ? '0' : '1']),
      );
      switch (reply.kind) {
        case 'schema':
          throw this.#wrongSchema(reply.found);
        case 'rejoin':
          if (await this.#restore(reply.incarnation)) incarnation = '';
          break;
        case 'events':
          this.#waitMs = reply.waitMs;
          this.#copy.follow(reply, reply.events);
          if (reply.events.length > 0) this.#listener.changed(reply.events);
          return;
        case 'snapshot': {
          this.#waitMs = reply.waitMs;
          const changes = this.#copy.replace(reply, reply.records, reply.tombstones);
          if (this.#loaded) {
            if (changes.length > 0) this.#listener.changed(changes);
            this.#listener.historyBroken(reply.revision);
          } else {
            this.#loaded = true;
            this.#listener.loaded(this.#copy, reply.log);
          }
          return;
        }
      }
    }
    throw new SluiceError(
      'STORE_UNAVAILABLE',
      `store ${this.#options.connection.shown}: its ${this.#options.kind} began anew ${String(JOIN_TRIES)} times in a row`,
    );
  }

  /** Offers the copy to the state. False where that has begun another life meanwhile. */
  async #restore(incarnation: string): Promise<boolean> {
    const { connection, kind, logger } = this.#options;
    const { meta, records, tombstones, log, changed } = this.#keys;
    const held = [
      ...[...this.#copy.records].map(([key, { revision, value }]) => [key, revision, value] as const),
      ...[...this.#copy.tombstones].map(([key, revision]) => [key, revision, ''] as const),
    ];
    let taken = 0;
    for (let at = 0; at < held.length; at += RESTORE_BATCH) {
      const batch = held.slice(at, at + RESTORE_BATCH).flat();
      const args = [...this.#schemas(), incarnation, this.#copy.revision, randomUUID(), TOMBSTONES_KEPT, ...batch];
      const reply = readRestore(await connection.run(RESTORE, [meta, records, tombstones, log, changed], args));
      if (reply.kind === 'schema') throw this.#wrongSchema(reply.found);
      if (reply.kind === 'rejoin') return false;
      taken += reply.taken;
    }
    logger.warn(
      { store: connection.shown, kind, restored: taken, held: held.length },
      'Redis had lost records: what this host holds was offered to it',
    );
    return true;
  }
}
