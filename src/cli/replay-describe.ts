/** `sluice replay --describe`: what traces are like, tag by tag. */
import { summarize } from '../workload/traces/summary.js';
import type { TraceSummary } from '../workload/traces/summary.js';
import type { LoadedTraces } from '../workload/traces/load.js';
import { percent, renderTable, shortBytes } from './table.js';

export function describeTraces(traces: LoadedTraces): {
  text: string;
  object: { tags: ({ tag: string } & TraceSummary)[] };
} {
  const tags = traces.tags.map(({ tag, columns }) => ({ tag, ...summarize(columns) }));
  const head = ['records', 'seconds', 'reads', 'IOPS', 'peak', 'size p50', 'p99', 'sequential', 'footprint'];
  const text = renderTable(
    [{ head: 'tag', align: 'left' }, ...head.map((name) => ({ head: name }))],
    tags.map((each) => [
      each.tag,
      each.records,
      each.durationS.toFixed(3),
      percent(each.reads / each.records, 1),
      each.meanIops.toFixed(1),
      each.peakIops,
      shortBytes(each.sizeP50Bytes),
      shortBytes(each.sizeP99Bytes),
      percent(each.sequential, 1),
      shortBytes(each.footprintBytes),
    ]),
  );
  return { text, object: { tags } };
}
