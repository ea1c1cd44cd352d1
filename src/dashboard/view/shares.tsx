/** Configured against achieved: for each tag, the part of the device that it is owed and the part that it got. */
import type { JSX } from 'preact';
import type { Range } from '../data/range.js';
import type { TagShare } from '../data/shares.js';
import { rangeLong } from './range-text.js';
import { percent } from './units.js';

const ROWS_MAX = 12;

/** Two bars on one scale. */
export function PartBars({ owed, achieved, scale }: { owed: number; achieved: number; scale: number }): JSX.Element {
  const width = (part: number): string => `${String(Number.isFinite(part) ? Math.min(100, (part / scale) * 100) : 0)}%`;
  return (
    <span class="bars" aria-hidden="true">
      <span class="bar owed" style={{ width: width(owed) }} />
      <span class="bar achieved" style={{ width: width(achieved) }} />
    </span>
  );
}

interface SharesPanelProps {
  /** null while they are asked for. */
  readonly tags: readonly TagShare[] | null;
  readonly range: Range;
  readonly select: (tag: string) => void;
}

export function SharesPanel({ tags, range, select }: SharesPanelProps): JSX.Element {
  const rows = (tags ?? [])
    .filter((tag) => Number.isFinite(tag.owed))
    .sort((a, b) => b.owed - a.owed || b.achieved - a.achieved || (a.tag < b.tag ? -1 : 1))
    .slice(0, ROWS_MAX);
  const scale = rows.reduce((most, row) => Math.max(most, row.owed, row.achieved || 0), 0.01);
  return (
    <section class="panel shares" aria-labelledby="shares-title">
      <header>
        <h2 id="shares-title">Configured and achieved share</h2>
        <span class="key">
          <i class="owed" /> configured <i class="achieved" /> achieved
        </span>
      </header>
      {rows.length === 0 ? (
        <p class="empty" aria-busy={tags === null}>
          {emptyText(tags === null, range)}
        </p>
      ) : (
        <ol class="share-list">
          {rows.map((row) => (
            <li key={row.tag}>
              <button type="button" class="link tag" title={row.tag} onClick={() => select(row.tag)}>
                {row.tag}
              </button>
              <PartBars owed={row.owed} achieved={row.achieved} scale={scale} />
              <span class="figures">
                {percent(row.owed)} <b>{percent(row.achieved)}</b>
              </span>
            </li>
          ))}
        </ol>
      )}
      <p class="note">
        {range === '5m'
          ? 'Configured: of the tags that were served in the last seconds.'
          : `Configured: of the tags that were served in ${rangeLong(range)}, by the shares in force now.`}{' '}
        A tag gets more when others do not use their part.
      </p>
    </section>
  );
}

function emptyText(loading: boolean, range: Range): string {
  if (loading) return 'Loading…';
  return range === '5m' ? 'Nothing is being served.' : `Nothing was served in ${rangeLong(range)}.`;
}
