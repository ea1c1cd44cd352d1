/** Policies in memory with their last changes: all that a store of one process has, and what a host keeps of a shared one. */
import { Broadcast } from './broadcast.js';
import type { Policy } from './model/policy.js';
import { isWithin } from './model/tag.js';
import type { PolicyEvent, PolicyStore, Watcher } from './ports.js';
import { SortedKeys } from './sorted-keys.js';

/** Device, then tag, in the order of strings: no name has a character below the separator. */
function keyOf(device: string, tag: string): string {
  return `${device}\0${tag}`;
}

export class PolicyTable {
  private readonly policies = new Map<string, Policy>();
  private readonly keys = new SortedKeys();
  private readonly watchers = new Broadcast<PolicyEvent>();
  private readonly eventsKept: number;
  private events: PolicyEvent[] = [];
  private current: number;
  /** Events up to this revision are gone. */
  private forgotten: number;

  /**
   * @param firstRevision revisions are above it
   * @param eventsKept most events kept for watchers that come back
   */
  constructor(firstRevision: number, eventsKept: number) {
    this.current = firstRevision;
    this.forgotten = firstRevision;
    this.eventsKept = eventsKept;
  }

  get revision(): number {
    return this.current;
  }

  get(device: string, tag: string): Policy | null {
    return this.policies.get(keyOf(device, tag)) ?? null;
  }

  /** As PolicyStore.list. */
  list(query: Parameters<PolicyStore['list']>[0]): { policies: Policy[]; revision: number } {
    const policies: Policy[] = [];
    const start = query.device === '' ? '' : keyOf(query.device, '');
    const after = query.after === null ? '' : keyOf(query.after.device, query.after.tag);
    for (const key of this.keys.after(after > start ? after : start)) {
      if (policies.length >= query.limit) break;
      const policy = this.policies.get(key)!;
      if (query.device !== '' && policy.device !== query.device) break;
      if (isWithin(policy.tag, query.prefix)) policies.push(policy);
    }
    return { policies, revision: this.current };
  }

  /** As PolicyStore.watch. */
  watch(afterRevision: number, watcher: Watcher<PolicyEvent>): (() => void) | null {
    if (afterRevision < this.forgotten || afterRevision > this.current) return null;
    // Sees what a watcher writes meanwhile, too.
    for (const event of this.events) if (event.revision > afterRevision) watcher.event(event);
    return this.watchers.add(this.current, watcher);
  }

  /** Takes changes in, in order of revision, and tells them. */
  commit(events: readonly PolicyEvent[]): void {
    for (const event of events) {
      this.set((event.after ?? event.before)!, event.after);
      this.current = event.revision;
      this.events.push(event);
    }
    // Cut in halves, so that a write costs no move of the whole log.
    if (this.events.length >= 2 * this.eventsKept) {
      this.forgotten = this.events[this.events.length - this.eventsKept - 1]!.revision;
      this.events = this.events.slice(-this.eventsKept);
    }
    this.watchers.tell(events);
  }

  /**
   * All there is at a revision, before anybody watches.
   * @param events the last changes before it, for watchers that come from elsewhere
   */
  load(policies: readonly Policy[], revision: number, events: readonly PolicyEvent[]): void {
    for (const policy of policies) this.set(policy, policy);
    this.current = revision;
    this.events = [...events];
    this.forgotten = (events[0]?.revision ?? revision + 1) - 1;
  }

  /** From here on no earlier revision can be resumed from. */
  breakHistory(revision: number): void {
    this.current = revision;
    this.forgotten = revision;
    this.events = [];
  }

  private set({ device, tag }: Policy, policy: Policy | null): void {
    const key = keyOf(device, tag);
    if (policy === null) {
      if (this.policies.delete(key)) this.keys.delete(key);
    } else {
      if (!this.policies.has(key)) this.keys.add(key);
      this.policies.set(key, policy);
    }
  }
}
