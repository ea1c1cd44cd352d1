/**
 * Page caches for machines that run one after the other: a table is as long as its disk, and to make all of them
 * anew takes longer than many a run.
 */
import { PageCache } from './page-cache.js';

export class Memory {
  readonly #free: PageCache[] = [];
  readonly #lent: PageCache[] = [];

  /** An empty one, as PageCache's constructor makes it. */
  pageCache(bytes: number, pageBytes: number, diskBytes: number): PageCache {
    const at = this.#free.findIndex((cache) => cache.isFor(bytes, pageBytes, diskBytes));
    const cache = at < 0 ? new PageCache(bytes, pageBytes, diskBytes) : this.#free.splice(at, 1)[0]!;
    this.#lent.push(cache);
    return cache;
  }

  /** All that were lent are here again: the machine that had them is gone. */
  takeBack(): void {
    for (const cache of this.#lent) cache.clear();
    this.#free.push(...this.#lent);
    this.#lent.length = 0;
  }
}
