/** Policies in the memory of this process, and on its disk where it has a place there: the embedded default. */
import { SluiceError } from '../../core/model/errors.js';
import { checkEtag } from '../../core/model/etag.js';
import { samePolicy, type Policy } from '../../core/model/policy.js';
import { PolicyTable } from '../../core/policy-table.js';
import type { PolicyEvent, PolicyStore, PolicyWrite, Watcher } from '../../core/ports.js';
import type { SavedRecords } from './saved-records.js';

/** Most events kept for watchers that come back, and most request ids whose answer is remembered. */
const EVENTS_KEPT = 10_000;
const REQUESTS_KEPT = 1_000;

type Answer = Awaited<ReturnType<PolicyStore['write']>>;

export class LocalPolicyStore implements PolicyStore {
  private readonly table: PolicyTable;
  private readonly answers = new Map<string, Answer>();
  private readonly saved: SavedRecords | null;
  /** With a disk, writes are made one after the other. */
  private last: Promise<unknown> = Promise.resolve();

  /**
   * @param firstRevision revisions are above it. Milliseconds since 1970 keep etags and resume
   * revisions of an earlier life of the process from being taken for ones of this life.
   * @param saved where they are kept over restarts; null: nowhere
   */
  constructor(firstRevision = 0, saved: SavedRecords | null = null) {
    this.table = new PolicyTable(firstRevision, EVENTS_KEPT);
    this.saved = saved;
    if (saved === null) return;
    const { policies, revision, answers } = saved.savedPolicies();
    this.table.load(policies, Math.max(revision, firstRevision), []);
    for (const [requestId, answer] of answers) this.answers.set(requestId, answer);
  }

  get(device: string, tag: string): Promise<Policy | null> {
    return Promise.resolve(this.table.get(device, tag));
  }

  list(query: Parameters<PolicyStore['list']>[0]): Promise<{ policies: Policy[]; revision: number }> {
    return Promise.resolve(this.table.list(query));
  }

  write(writes: readonly PolicyWrite[], requestId: string): Promise<Answer> {
    const { saved } = this;
    // A throw of the checks becomes a rejection; nothing has changed by then.
    if (saved === null) return new Promise((resolve) => resolve(this.writeNow(writes, requestId)));
    const written = this.last.then(() => this.writeSaved(writes, requestId, saved));
    this.last = written.catch(() => undefined);
    return written;
  }

  revision(): Promise<number> {
    return Promise.resolve(this.table.revision);
  }

  watch(afterRevision: number, watcher: Watcher<PolicyEvent>): (() => void) | null {
    return this.table.watch(afterRevision, watcher);
  }

  private writeNow(writes: readonly PolicyWrite[], requestId: string): Answer {
    const known = this.answered(requestId);
    if (known !== undefined) return known;
    const answer = this.stage(writes);
    this.commit(answer, requestId);
    return answer;
  }

  /** Nobody sees a change that is not on the disk. */
  private async writeSaved(writes: readonly PolicyWrite[], requestId: string, saved: SavedRecords): Promise<Answer> {
    const known = this.answered(requestId);
    if (known !== undefined) return known;
    const answer = this.stage(writes);
    if (answer.events.length > 0 || requestId !== '') await saved.savePolicies(answer, requestId);
    this.commit(answer, requestId);
    return answer;
  }

  private answered(requestId: string): Answer | undefined {
    return requestId === '' ? undefined : this.answers.get(requestId);
  }

  private commit(answer: Answer, requestId: string): void {
    if (requestId !== '') this.remember(requestId, answer);
    this.table.commit(answer.events);
  }

  /** What the writes will do, one after the other. */
  private stage(writes: readonly PolicyWrite[]): Answer {
    const staged = new Map<string, Policy | null>();
    const events: PolicyEvent[] = [];
    for (const { device, tag, fields, ifMatch } of writes) {
      const key = `${device}\0${tag}`;
      const overlay = staged.get(key);
      const before = overlay === undefined ? this.table.get(device, tag) : overlay;
      const what = `policy ${tag} on device ${device}`;
      if (fields === null && before === null) throw new SluiceError('NOT_FOUND', `${what} does not exist`);
      checkEtag(what, before?.etag ?? null, ifMatch);
      if (fields !== null && before !== null && samePolicy(before, fields)) continue;
      const revision = this.table.revision + events.length + 1;
      const after = fields === null ? null : { ...fields, device, tag, etag: revision.toString(36), revision };
      staged.set(key, after);
      events.push({ before, after, revision });
    }
    return { events, revision: this.table.revision + events.length };
  }

  private remember(requestId: string, answer: Answer): void {
    this.answers.set(requestId, answer);
    if (this.answers.size > REQUESTS_KEPT) this.answers.delete(this.answers.keys().next().value!);
  }
}
