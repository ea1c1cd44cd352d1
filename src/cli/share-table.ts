/** The share report as a table. */
import type { ShareReport } from '../workload/report.js';
import { percent, renderTable, shortBytes, shortTime } from './table.js';

export function shareTable(report: ShareReport): string {
  const rows = report.tags.map((tag) => [
    tag.tag,
    tag.shares,
    percent(tag.share),
    percent(tag.shareError),
    tag.ops,
    report.seconds > 0 ? Math.round(tag.ops / report.seconds) : 0,
    shortBytes(tag.bytes),
    tag.errors,
    `${shortTime(tag.queueUsP50)} / ${shortTime(tag.queueUsP99)}`,
    `${shortTime(tag.serviceUsP50)} / ${shortTime(tag.serviceUsP99)}`,
  ]);
  const head = ['shares', 'share', 'error', 'ops', 'ops/s', 'bytes', 'errors', 'queue p50 / p99', 'service p50 / p99'];
  const table = renderTable([{ head: 'tag', align: 'left' }, ...head.map((name) => ({ head: name }))], rows);
  const contended = `all tags backlogged ${percent(report.contendedFraction, 1)} of ${report.seconds.toFixed(3)} s`;
  const worst =
    report.maxShareError === null ? 'no share to judge' : `largest share error ${percent(report.maxShareError)}`;
  return `${table}\n${report.device}: ${contended}, ${worst}`;
}
