/**
 * All that is open up to a level, added to a sum in small steps while records come in and intervals close.
 *
 * A tag's rows are added together. As long as the interval of that level is open, whatever was counted of the tag in it is in
 * one of them, though rows go up a level between two steps. When it closes, all below it has closed into it
 * (usage.ts): tags that were not added yet are in its block, and are added from there.
 */
import type { UsageBlock } from './block.js';
import type { UsageRows } from './rows.js';
import type { UsageSum } from './sum.js';
import type { TagTable } from './tag-table.js';

/** Tags summed between two chances for others to run. */
export const TAGS_A_SLICE = 4_096;

export class OpenReading {
  readonly level: number;
  /** Each tag that had a row when the reading began, once, in no order. */
  private readonly ids: Uint32Array;
  private added = 0;
  private block: UsageBlock | null = null;

  constructor(level: number, ids: Uint32Array) {
    this.level = level;
    this.ids = ids;
  }

  /** The interval has closed as this block. */
  closed(block: UsageBlock): void {
    this.block = block;
  }

  *addTo(sum: UsageSum, tags: TagTable, rows: UsageRows): Generator<null, void> {
    while (this.added < this.ids.length) {
      if (this.block !== null) {
        yield* sum.addBlock(this.block, this.marks());
        return;
      }
      const end = Math.min(this.added + TAGS_A_SLICE, this.ids.length);
      for (; this.added < end; this.added++) addRows(sum, this.ids[this.added]!, this.level, tags, rows);
      yield null;
    }
  }

  /** By tag: 1 where it has been added. */
  private marks(): Uint8Array<ArrayBuffer> {
    const marks = new Uint8Array(this.block!.ids.reduce((most, id) => Math.max(most, id + 1), 0));
    for (let i = 0; i < this.added; i++) marks[this.ids[i]!] = 1;
    return marks;
  }
}

/** What one tag has in the levels up to this one. */
export function addRows(sum: UsageSum, id: number, level: number, tags: TagTable, rows: UsageRows): void {
  for (let each = 0; each <= level; each++) {
    const row = tags.open(each, id);
    if (row !== 0) sum.addRow(id, rows, row);
  }
}
