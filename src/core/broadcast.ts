/** Events to watchers: each told in order of revision, each event once, whatever a watcher does meanwhile. */
import type { Watcher } from './ports.js';

export class Broadcast<T extends { readonly revision: number }> {
  private readonly watchers = new Set<Watcher<T>>();
  private readonly pending: T[] = [];
  private telling = false;

  /** Tells what comes after `revision`. @returns how to stop */
  add(revision: number, watcher: Watcher<T>): () => void {
    // Added while events wait to be told, a watcher may know them already.
    let seen = revision;
    const registered: Watcher<T> = {
      event: (event) => {
        if (event.revision <= seen) return;
        seen = event.revision;
        watcher.event(event);
      },
    };
    this.watchers.add(registered);
    return () => this.watchers.delete(registered);
  }

  /** Watchers are told before this returns, unless it is one of them who calls: then when they all know what came before. */
  tell(events: readonly T[]): void {
    for (const event of events) this.pending.push(event);
    if (this.telling) return;
    this.telling = true;
    try {
      for (let i = 0; i < this.pending.length; i++) {
        for (const watcher of [...this.watchers]) if (this.watchers.has(watcher)) watcher.event(this.pending[i]!);
      }
    } finally {
      this.pending.length = 0;
      this.telling = false;
    }
  }
}
