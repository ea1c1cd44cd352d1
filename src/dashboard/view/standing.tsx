/** A chart, or why there is none: not loaded yet, failed, nothing served. */
import type { ComponentChildren, JSX } from 'preact';
import type { FeedState } from '../data/feed.js';
import type { Range } from '../data/range.js';
import { reasonOf } from '../data/reason.js';
import type { Timeline } from '../data/timeline.js';
import { rangeLong } from './range-text.js';

/** What a chart is drawn from. */
export interface Shown {
  readonly range: Range;
  /** null until there is an answer. */
  readonly timeline: Timeline | null;
  /** Rises as the timeline changes. */
  readonly version: number;
  readonly state: FeedState;
  readonly error: Error | null;
}

interface StandingProps {
  readonly shown: Shown;
  readonly empty: boolean;
  readonly children: (timeline: Timeline) => ComponentChildren;
}

export function Standing({ shown, empty, children }: StandingProps): JSX.Element {
  const { timeline, state, error, range } = shown;
  if (timeline === null) {
    return state === 'failed' ? (
      <p class="empty tall" role="alert">
        {reasonOf(error)}
      </p>
    ) : (
      <p class="empty tall" aria-busy="true">
        Loading…
      </p>
    );
  }
  return (
    <>
      {state === 'failed' && <p class="note problem">{`From before: ${reasonOf(error)}`}</p>}
      {empty ? <p class="empty tall">{`Nothing was served in ${rangeLong(range)}.`}</p> : children(timeline)}
    </>
  );
}
