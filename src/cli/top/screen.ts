/** The picture of `sluice top` as lines: pure, so that it is the same in a terminal, a pipe and a test. */
import type { Device } from '../../client/index.js';
import { percent, shortBytes, shortTime } from '../table.js';
import { arrange, type TopRow, type TopSort } from './rows.js';

export interface TopState {
  readonly address: string;
  readonly device: Device | null;
  readonly rows: readonly TopRow[];
  /** Milliseconds since 1970 that the rows end at; 0 before the first. */
  readonly endMs: number;
  readonly filter: string;
  /** A filter that is being typed. */
  readonly typing: boolean;
  readonly sort: TopSort;
  readonly reverse: boolean;
  /** First row shown. */
  readonly scroll: number;
  readonly paused: boolean;
  /** What is wrong; '' where nothing is. */
  readonly problem: string;
}

export interface Size {
  readonly columns: number;
  readonly lines: number;
}

interface Column {
  readonly head: string;
  readonly width: number;
  readonly sort: TopSort | null;
  readonly show: (row: TopRow) => string;
}

const COLUMNS: readonly Column[] = [
  { head: 'SHARES', width: 7, sort: 'shares', show: (row) => String(row.shares) },
  { head: 'OWED', width: 8, sort: 'owed', show: (row) => percent(row.owed, 1) },
  { head: 'GOT', width: 8, sort: 'got', show: (row) => percent(row.got, 1) },
  { head: 'OP/S', width: 9, sort: 'ops', show: (row) => row.opsPerS.toFixed(row.opsPerS < 10 ? 1 : 0) },
  { head: 'BYTES/S', width: 11, sort: 'bytes', show: (row) => shortBytes(Math.round(row.bytesPerS)) },
  { head: 'QUEUE P50', width: 10, sort: null, show: (row) => shortTime(row.queueUsP50) },
  { head: 'P99', width: 9, sort: 'queue', show: (row) => shortTime(row.queueUsP99) },
  { head: 'DEVICE P50', width: 11, sort: null, show: (row) => shortTime(row.serviceUsP50) },
  { head: 'P99', width: 9, sort: 'service', show: (row) => shortTime(row.serviceUsP99) },
  { head: 'ERR/S', width: 7, sort: 'errors', show: (row) => row.errorsPerS.toFixed(row.errorsPerS < 10 ? 1 : 0) },
];

const TAG_WIDTH_MIN = 12;
const HEADER_LINES = 3;
const FOOTER = 'q quit  / filter  s sort  r reverse  d device  p pause  arrows scroll';

/** Rows that fit. */
export function pageRows(size: Size): number {
  return Math.max(1, size.lines - HEADER_LINES - 1);
}

/** Lines of at most `columns` characters, exactly `lines` of them. */
export function picture(state: TopState, size: Size): string[] {
  const rows = arrange(state.rows, state.filter, state.sort, state.reverse);
  // What does not fit is left out from the right, a column at a time.
  const columns = [...COLUMNS];
  const width = (): number => columns.reduce((sum, column) => sum + column.width, 0);
  while (columns.length > 1 && width() + TAG_WIDTH_MIN > size.columns) columns.pop();
  const tagWidth = Math.max(1, size.columns - width());
  const mark = (sort: TopSort | null): string => (sort === state.sort ? (state.reverse ? '^' : 'v') : '');
  const lines = [
    head(state),
    summary(state, rows.length),
    fit(`TAG${mark('tag')}`, tagWidth) +
      columns.map(({ head: title, width: w, sort }) => `${title}${mark(sort)}`.padStart(w)).join(''),
    ...rows
      .slice(state.scroll, state.scroll + pageRows(size))
      .map((row) => fit(row.tag, tagWidth) + columns.map(({ width: w, show }) => show(row).padStart(w)).join('')),
  ];
  while (lines.length < size.lines - 1) lines.push('');
  lines.push(state.problem !== '' ? state.problem : state.typing ? `filter: ${state.filter}_` : FOOTER);
  return lines.slice(-size.lines).map((line) => line.slice(0, size.columns));
}

function head(state: TopState): string {
  const { device } = state;
  if (device === null) return `sluice top  ${state.address}  no device`;
  const { name, settings, outstanding, queued, state: stands } = device;
  return `sluice top  ${state.address}  ${name}  ${stands}  ${settings.scheduler}  slots ${String(outstanding)}/${String(settings.depth)}  waiting ${String(queued)}`;
}

function summary(state: TopState, shown: number): string {
  const { rows } = state;
  const sum = (field: 'opsPerS' | 'bytesPerS' | 'errorsPerS'): number =>
    rows.reduce((total, row) => total + row[field], 0);
  const at = state.endMs === 0 ? 'waiting for the first interval' : new Date(state.endMs).toISOString().slice(11, 19);
  const filtered = state.filter === '' ? '' : `  filter ${state.filter}: ${String(shown)}`;
  return `${at}${state.paused ? ' (paused)' : ''}  tags ${String(rows.length)}${filtered}  op/s ${sum('opsPerS').toFixed(0)}  ${shortBytes(Math.round(sum('bytesPerS')))}/s  err/s ${sum('errorsPerS').toFixed(0)}`;
}

/** Cut or filled to the width, with room for one space after it. */
function fit(text: string, width: number): string {
  return text.length < width ? text.padEnd(width) : `${text.slice(0, Math.max(0, width - 2))}… `.slice(0, width);
}
