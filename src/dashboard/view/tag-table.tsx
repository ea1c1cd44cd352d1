/**
 * All tags of the device: sorted, filtered, shares edited in place. Only the rows in sight are in
 * the document, so that thousands cost no more than thirty.
 */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { JSX, RefObject } from 'preact';
import type { TagNow } from '../data/model.js';
import { PartBars } from './shares.js';
import { ShareEditor } from './share-editor.js';
import { bytes, count, percent, time } from './units.js';

const ROW_PX = 36;
const ROWS_AROUND = 6;

interface Column {
  readonly key: keyof TagNow;
  readonly title: string;
  readonly hint: string;
  readonly show: (tag: TagNow) => string;
}

const COLUMNS: readonly Column[] = [
  { key: 'owed', title: 'configured', hint: 'Part of the device by shares', show: (t) => percent(t.owed) },
  { key: 'achieved', title: 'achieved', hint: 'Part of the cost served', show: (t) => percent(t.achieved) },
  { key: 'opsPerS', title: 'op/s', hint: 'Operations a second', show: (t) => count(t.opsPerS) },
  { key: 'bytesPerS', title: 'B/s', hint: 'Bytes a second', show: (t) => bytes(t.bytesPerS) },
  { key: 'queueUsP50', title: 'queue p50', hint: 'Median wait in the queue', show: (t) => time(t.queueUsP50) },
  { key: 'queueUsP99', title: 'queue p99', hint: '99th percentile of the wait', show: (t) => time(t.queueUsP99) },
  { key: 'serviceUsP50', title: 'service p50', hint: 'Median time at the device', show: (t) => time(t.serviceUsP50) },
  {
    key: 'serviceUsP99',
    title: 'service p99',
    hint: '99th percentile at the device',
    show: (t) => time(t.serviceUsP99),
  },
  { key: 'errorsPerS', title: 'err/s', hint: 'Failed operations a second', show: (t) => count(t.errorsPerS) },
];

interface Sort {
  readonly key: keyof TagNow;
  readonly down: boolean;
}

function compare(a: TagNow, b: TagNow, { key, down }: Sort): number {
  const [x, y] = [a[key], b[key]];
  let order: number;
  if (typeof x === 'string' || typeof y === 'string') order = x < y ? -1 : x > y ? 1 : 0;
  // Unknown stands last either way.
  else if (Number.isNaN(x) || Number.isNaN(y))
    return Number(Number.isNaN(x)) - Number(Number.isNaN(y)) || (a.tag < b.tag ? -1 : 1);
  else order = x - y;
  return (down ? -order : order) || (a.tag < b.tag ? -1 : 1);
}

interface TagTableProps {
  readonly tags: readonly TagNow[];
  /** Says so that these are figures of now, where the charts are not. */
  readonly now: boolean;
  readonly selected: string;
  readonly select: (tag: string) => void;
  readonly readOnly: boolean;
  readonly save: (tag: string, shares: number) => Promise<boolean>;
  readonly filterBox: RefObject<HTMLInputElement | null>;
}

export function TagTable({ tags, now, selected, select, readOnly, save, filterBox }: TagTableProps): JSX.Element {
  const [sort, setSort] = useState<Sort>({ key: 'costPerS', down: true });
  const [filter, setFilter] = useState('');
  const [editing, setEditing] = useState('');
  const scroller = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 600 });
  const rows = useMemo(() => {
    const wanted = filter.trim().toLowerCase();
    return tags.filter((tag) => tag.tag.includes(wanted)).sort((a, b) => compare(a, b, sort));
  }, [tags, filter, sort]);
  useEffect(() => {
    const element = scroller.current!;
    const look = (): void => setView({ top: element.scrollTop, height: element.clientHeight });
    look();
    const observer = new ResizeObserver(look);
    observer.observe(element);
    element.addEventListener('scroll', look, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener('scroll', look);
    };
  }, []);
  const first = Math.max(0, Math.floor(view.top / ROW_PX) - ROWS_AROUND);
  const last = Math.min(rows.length, Math.ceil((view.top + view.height) / ROW_PX) + ROWS_AROUND);
  const by = (key: keyof TagNow): void => setSort({ key, down: sort.key === key ? !sort.down : key !== 'tag' });
  const move = (event: KeyboardEvent): void => {
    if (event.target instanceof HTMLInputElement) return;
    const step = {
      ArrowDown: 1,
      j: 1,
      ArrowUp: -1,
      k: -1,
      PageDown: 10,
      PageUp: -10,
      Home: -rows.length,
      End: rows.length,
    }[event.key];
    if (event.key === 'Enter' && selected !== '' && !readOnly) {
      event.preventDefault();
      setEditing(selected);
    }
    if (step === undefined || rows.length === 0) return;
    event.preventDefault();
    const at = rows.findIndex((row) => row.tag === selected);
    const to = Math.min(rows.length - 1, Math.max(0, at + step));
    select(rows[to]!.tag);
    const element = scroller.current!;
    const y = to * ROW_PX;
    if (y < element.scrollTop) element.scrollTop = y;
    else if (y + 2 * ROW_PX > element.scrollTop + element.clientHeight)
      element.scrollTop = y + 2 * ROW_PX - element.clientHeight;
  };
  const heading = (key: keyof TagNow, title: string, hint: string, name: string): JSX.Element => (
    <th class={name} scope="col" aria-sort={sort.key === key ? (sort.down ? 'descending' : 'ascending') : 'none'}>
      <button type="button" class="link" title={hint} onClick={() => by(key)}>
        {title}
        <span aria-hidden="true">{sort.key === key ? (sort.down ? ' ▾' : ' ▴') : ''}</span>
      </button>
    </th>
  );
  return (
    <section class="panel tags" aria-labelledby="tags-title">
      <header>
        <h2 id="tags-title">Tags{now && <span class="of"> now</span>}</h2>
        <span class="count">
          {rows.length === tags.length ? tags.length : `${String(rows.length)} of ${String(tags.length)}`}
        </span>
        <input
          ref={filterBox}
          type="search"
          placeholder="Filter tags ( / )"
          aria-label="Filter tags"
          value={filter}
          onInput={(event) => setFilter(event.currentTarget.value)}
        />
      </header>
      <div
        class="scroller"
        ref={scroller}
        tabIndex={0}
        onKeyDown={move}
        aria-label="Tags; arrow keys select, Enter edits shares"
      >
        <table aria-rowcount={rows.length + 1}>
          <thead>
            <tr>
              {heading('tag', 'tag', 'Who the requests were for', 'tag')}
              {heading('shares', 'shares', 'Weight among its siblings', 'shares')}
              <th class="bars-cell" scope="col">
                <span class="hidden">configured and achieved as bars</span>
              </th>
              {COLUMNS.map((column) => heading(column.key, column.title, column.hint, `number ${column.key}`))}
            </tr>
          </thead>
          <tbody>
            <tr class="spacer" style={{ height: `${String(first * ROW_PX)}px` }} />
            {rows.slice(first, last).map((row, i) => (
              <tr
                key={row.tag}
                aria-rowindex={first + i + 2}
                aria-selected={row.tag === selected}
                class={`${row.tag === selected ? 'selected' : ''} ${Number.isNaN(row.achieved) ? 'idle' : ''}`}
                onClick={() => select(row.tag)}
              >
                <th scope="row" class="tag" title={row.tag}>
                  {row.tag}
                </th>
                <td class="shares">
                  <ShareEditor
                    tag={row.tag}
                    shares={row.shares}
                    readOnly={readOnly}
                    open={editing === row.tag}
                    setOpen={(open) => setEditing(open ? row.tag : '')}
                    save={save}
                    done={() => scroller.current?.focus()}
                  />
                </td>
                <td class="bars-cell">
                  <PartBars owed={row.owed} achieved={row.achieved} scale={1} />
                </td>
                {COLUMNS.map((column) => (
                  <td key={column.key} class={`number ${column.key}`}>
                    {column.show(row)}
                  </td>
                ))}
              </tr>
            ))}
            <tr class="spacer" style={{ height: `${String((rows.length - last) * ROW_PX)}px` }} />
          </tbody>
        </table>
        {rows.length === 0 && (
          <p class="empty">
            {tags.length === 0 ? 'No tag was served yet, and none has a policy.' : 'No tag fits the filter.'}
          </p>
        )}
      </div>
    </section>
  );
}
