/**
 * Requests by id. Clients count their ids up, so a slot is as good as always free: finding one is an
 * index and a comparison. An id whose slot is taken stands in a map beside.
 */
import type { PendingIo } from '../../core/pending-io.js';

const SLOTS = 1_024;
const MASK = SLOTS - 1;

export class RequestTable {
  size = 0;
  readonly #slots = new Array<PendingIo | null>(SLOTS).fill(null);
  readonly #overflow = new Map<number, PendingIo>();

  get(id: number): PendingIo | undefined {
    const io = this.#slots[id & MASK] ?? null;
    if (io !== null && io.id === id) return io;
    return this.#overflow.size === 0 ? undefined : this.#overflow.get(id);
  }

  /** No request with its id may be here. */
  add(io: PendingIo): void {
    const slot = io.id & MASK;
    this.size += 1;
    if (this.#slots[slot] === null) this.#slots[slot] = io;
    else this.#overflow.set(io.id, io);
  }

  delete(id: number): void {
    const slot = id & MASK;
    if (this.#slots[slot]?.id === id) this.#slots[slot] = null;
    else if (!this.#overflow.delete(id)) return;
    this.size -= 1;
  }

  /** All of them as they are now; what changes meanwhile does not disturb. */
  all(): PendingIo[] {
    if (this.size === 0) return [];
    const found = [...this.#overflow.values()];
    for (const io of this.#slots) if (io !== null) found.push(io);
    return found;
  }

  clear(): void {
    this.#slots.fill(null);
    this.#overflow.clear();
    this.size = 0;
  }
}
