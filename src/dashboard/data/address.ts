/** What the page shows, as the fragment of its address: a link to what one sees. */
import { RANGES, type Range } from './range.js';
import { METRICS, type Metric } from './timeline.js';

export interface Address {
  /** '' = the first device. */
  readonly device: string;
  readonly range: Range;
  readonly metric: Metric;
  /** '' = the largest tag. */
  readonly tag: string;
}

const DEFAULT: Address = { device: '', range: '5m', metric: 'ops', tag: '' };

/** What it does not know is as if it were not there. */
export function parseAddress(fragment: string): Address {
  const values = new URLSearchParams(fragment.replace(/^#/, ''));
  const one = <T extends string>(key: string, allowed: readonly T[], otherwise: T): T =>
    allowed.find((value) => value === values.get(key)) ?? otherwise;
  return {
    device: values.get('device') ?? DEFAULT.device,
    range: one('range', RANGES, DEFAULT.range),
    metric: one('metric', METRICS, DEFAULT.metric),
    tag: values.get('tag') ?? DEFAULT.tag,
  };
}

/** '' where all is as it is by default. */
export function formatAddress(address: Address): string {
  const said = Object.entries(address).filter(([key, value]) => value !== DEFAULT[key as keyof Address]);
  // A fragment may hold a slash as it is (RFC 3986, 3.5), and tags read better so.
  const text = new URLSearchParams(said).toString().replaceAll('%2F', '/');
  return text === '' ? '' : `#${text}`;
}
