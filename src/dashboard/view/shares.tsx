/** Configured against achieved: for each tag, the part of the device that it is owed and the part that it got. */
import type { JSX } from 'preact';
import type { TagNow } from '../data/model.js';
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

export function SharesPanel({ tags, select }: { tags: readonly TagNow[]; select: (tag: string) => void }): JSX.Element {
  const rows = tags
    .filter((tag) => Number.isFinite(tag.owed))
    .sort((a, b) => b.owed - a.owed || (a.tag < b.tag ? -1 : 1))
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
        <p class="empty">Nothing is being served.</p>
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
        Configured: of the tags that were served in the last seconds. A tag gets more when others do not use their part.
      </p>
    </section>
  );
}
