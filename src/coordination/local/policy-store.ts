/** Policies in the memory of this process: the embedded default. */
import { SluiceError } from '../../core/model/errors.js';
import { checkEtag } from '../../core/model/etag.js';
import { samePolicy, type Policy } from '../../core/model/policy.js';
import { isWithin } from '../../core/model/tag.js';
import type { PolicyEvent, PolicyStore, PolicyWrite, Watcher } from '../../core/ports.js';
import { Broadcast } from './broadcast.js';
import { SortedKeys } from './sorted-keys.js';

/** Most events kept for watchers that come back, and most request ids whose answer is remembered. */
const EVENTS_KEPT = 10_000;
const REQUESTS_KEPT = 1_000;

type Answer = Awaited<ReturnType<PolicyStore['write']>>;

/** Device, then tag, in the order of strings: no name has a character below the separator. */
function keyOf(device: string, tag: string): string {
  return `${device}\0${tag}`;
}

export class LocalPolicyStore implements PolicyStore {
  private readonly policies = new Map<string, Policy>();
  private readonly keys = new SortedKeys();
  private readonly watchers = new Broadcast<PolicyEvent>();
  private readonly answers = new Map<string, Answer>();
  private events: PolicyEvent[] = [];
  private current: number;
  /** Events up to this revision are gone. */
  private forgotten: number;

  /**
   * @param firstRevision revisions are above it. Milliseconds since 1970 keep etags and resume
   * revisions of an earlier life of the process from being taken for ones of this life.
   */
  constructor(firstRevision = 0) {
    this.current = firstRevision;
    this.forgotten = firstRevision;
  }

  get(device: string, tag: string): Promise<Policy | null> {
    return Promise.resolve(this.policies.get(keyOf(device, tag)) ?? null);
  }

  list(query: {
    device: string;
    prefix: string;
    after: { device: string; tag: string } | null;
    limit: number;
  }): Promise<{ policies: Policy[]; revision: number }> {
    const policies: Policy[] = [];
    const start = query.device === '' ? '' : keyOf(query.device, '');
    const after = query.after === null ? '' : keyOf(query.after.device, query.after.tag);
    for (const key of this.keys.after(after > start ? after : start)) {
      if (policies.length >= query.limit) break;
      const policy = this.policies.get(key)!;
      if (query.device !== '' && policy.device !== query.device) break;
      if (isWithin(policy.tag, query.prefix)) policies.push(policy);
    }
    return Promise.resolve({ policies, revision: this.current });
  }

  write(writes: readonly PolicyWrite[], requestId: string): Promise<Answer> {
    // A throw of the checks becomes a rejection; nothing has changed by then.
    return new Promise((resolve) => resolve(this.writeNow(writes, requestId)));
  }

  revision(): Promise<number> {
    return Promise.resolve(this.current);
  }

  watch(afterRevision: number, watcher: Watcher<PolicyEvent>): (() => void) | null {
    if (afterRevision < this.forgotten || afterRevision > this.current) return null;
    // Sees what a watcher writes meanwhile, too.
    for (const event of this.events) if (event.revision > afterRevision) watcher.event(event);
    return this.watchers.add(this.current, watcher);
  }

  private writeNow(writes: readonly PolicyWrite[], requestId: string): Answer {
    const known = requestId === '' ? undefined : this.answers.get(requestId);
    if (known !== undefined) return known;
    const events = this.stage(writes);
    for (const event of events) this.commit(event);
    const answer = { events, revision: this.current };
    if (requestId !== '') this.remember(requestId, answer);
    this.watchers.tell(events);
    return answer;
  }

  /** What the writes will do, one after the other. */
  private stage(writes: readonly PolicyWrite[]): PolicyEvent[] {
    const staged = new Map<string, Policy | null>();
    const events: PolicyEvent[] = [];
    for (const { device, tag, fields, ifMatch } of writes) {
      const key = keyOf(device, tag);
      const overlay = staged.get(key);
      const before = overlay === undefined ? (this.policies.get(key) ?? null) : overlay;
      const what = `policy ${tag} on device ${device}`;
      if (fields === null && before === null) throw new SluiceError('NOT_FOUND', `${what} does not exist`);
      checkEtag(what, before?.etag ?? null, ifMatch);
      if (fields !== null && before !== null && samePolicy(before, fields)) continue;
      const revision = this.current + events.length + 1;
      const after = fields === null ? null : { ...fields, device, tag, etag: revision.toString(36), revision };
      staged.set(key, after);
      events.push({ before, after, revision });
    }
    return events;
  }

  private commit(event: PolicyEvent): void {
    const { device, tag } = (event.after ?? event.before)!;
    const key = keyOf(device, tag);
    if (event.after === null) {
      this.policies.delete(key);
      this.keys.delete(key);
    } else {
      if (!this.policies.has(key)) this.keys.add(key);
      this.policies.set(key, event.after);
    }
    this.current = event.revision;
    this.events.push(event);
    // Cut in halves, so that a write costs no move of the whole log.
    if (this.events.length >= 2 * EVENTS_KEPT) {
      this.forgotten = this.events[this.events.length - EVENTS_KEPT - 1]!.revision;
      this.events = this.events.slice(-EVENTS_KEPT);
    }
  }

  private remember(requestId: string, answer: Answer): void {
    this.answers.set(requestId, answer);
    if (this.answers.size > REQUESTS_KEPT) this.answers.delete(this.answers.keys().next().value!);
  }
}
