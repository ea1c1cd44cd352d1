/** A host's copy of one kind of shared records: what it reads from, and what an emptied Redis is filled from again. */
import type { Position, RecordChange, StoredRecord } from './record-replies.js';

export class RecordCopy {
  readonly records = new Map<string, StoredRecord>();
  /** Revisions of deletions, the oldest first. */
  readonly tombstones = new Map<string, number>();
  readonly #tombstonesKept: number;
  incarnation = '';
  revision = 0;
  head = '';

  constructor(tombstonesKept: number) {
    this.#tombstonesKept = tombstonesKept;
  }

  /** Changes that follow on the copy, in order. */
  follow(position: Position, events: readonly RecordChange[]): void {
    for (const { key, after, revision } of events) this.#set(key, after, revision);
    this.#moveTo(position);
  }

  /**
   * Becomes what the state is.
   * @returns what is different, numbered up to the state's revision: each life of a state begins
   * far enough above the last, and each restore raises it by as much as it changed
   */
  replace(
    position: Position,
    records: ReadonlyMap<string, StoredRecord>,
    tombstones: ReadonlyMap<string, number>,
  ): RecordChange[] {
    const changed: Omit<RecordChange, 'revision'>[] = [];
    for (const [key, before] of this.records) {
      if (!records.has(key)) changed.push({ key, before, after: null });
    }
    for (const [key, after] of records) {
      const before = this.records.get(key) ?? null;
      if (before?.revision !== after.revision || before.value !== after.value) changed.push({ key, before, after });
    }
    this.records.clear();
    for (const [key, record] of records) this.records.set(key, record);
    this.tombstones.clear();
    for (const [key, revision] of tombstones) this.tombstones.set(key, revision);
    this.#moveTo(position);
    const first = position.revision - changed.length + 1;
    return changed.map((change, index) => ({ ...change, revision: first + index }));
  }

  #moveTo({ incarnation, revision, head }: Position): void {
    this.incarnation = incarnation;
    this.revision = revision;
    this.head = head;
  }

  #set(key: string, record: StoredRecord | null, revision: number): void {
    this.tombstones.delete(key);
    if (record !== null) {
      this.records.set(key, record);
      return;
    }
    this.records.delete(key);
    this.tombstones.set(key, revision);
    if (this.tombstones.size > this.#tombstonesKept) this.tombstones.delete(this.tombstones.keys().next().value!);
  }
}
