/** The report's page: figure by figure what the paper claims, what was found, and whether that was expected. */
import { list } from '../claims.js';
import type { Figure, Results, ScenarioResult, Table } from '../experiment.js';
import type { ClaimResult, FigureResult } from '../outcome.js';
import { wording } from '../outcome.js';

const STYLE = `
body { font: 15px/1.45 "DejaVu Sans", Helvetica, Arial, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem; color: #222 }
h2 { margin-top: 3rem; border-top: 1px solid #ccc; padding-top: 1rem }
table { border-collapse: collapse; margin: 1rem 0; font-size: 13px }
th, td { border: 1px solid #ccc; padding: .25rem .5rem; text-align: left; vertical-align: top }
caption { text-align: left; padding: .25rem 0 }
td.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
.ok { color: #176117 } .bad { color: #a40000; font-weight: bold } .not { color: #7a4b00 }
img { max-width: 100% }
`;

export function escape(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;');
}

/** What a report is, ahead of its claims. */
export interface Preface {
  readonly title: string;
  readonly paragraphs: (runs: number, firstSeed: number) => readonly string[];
}

/** @param missing names of figures that were asked for and are not finished */
export function indexHtml(
  { title, paragraphs }: Preface,
  finished: readonly FigureResult[],
  missing: readonly string[],
  seeds: readonly number[],
): string {
  const sections = finished.map(({ figure, results, claims }) => section(figure, results, claims));
  const all = finished.flatMap(({ claims }) => claims);
  const unexpected = all.filter(({ asExpected }) => !asExpected).length;
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Sluice: ${escape(title)}</title>
<style>${STYLE}</style>
<h1>${escape(title)}</h1>
${paragraphs(seeds.length, seeds[0]!)
  .map((text) => `<p>${escape(text)}</p>`)
  .join('\n')}
<p>${String(all.length)} claims checked, <span class="${unexpected === 0 ? 'ok' : 'bad'}">${String(unexpected)} not as expected</span>.</p>
${missing.length === 0 ? '' : `<p class="bad">Interrupted: ${escape(missing.join(', '))} not finished.</p>`}
${overview(all)}
${sections.join('\n')}
</html>
`;
}

function overview(claims: readonly ClaimResult[]): string {
  const rows = claims.map(
    (result) =>
      `<tr><td><a href="#${escape(result.claim.id)}">${escape(result.claim.id)}</a></td><td>${escape(result.claim.source)}</td>` +
      `<td>${escape(result.claim.says)}</td><td class="${style(result)}">${escape(wording(result))}</td></tr>`,
  );
  return `<table><tr><th>Claim</th><th>Whose</th><th>What it says</th><th>Result</th></tr>${rows.join('\n')}</table>`;
}

function style({ asExpected, verdict }: ClaimResult): string {
  if (!asExpected) return 'bad';
  return verdict.holds ? 'ok' : 'not';
}

function section(figure: Figure, results: Results, claims: readonly ClaimResult[]): string {
  const plots = figure.plots.map(({ name }) => `<p><img src="${escape(name)}.svg" alt="${escape(figure.title)}"></p>`);
  const notes = figure.notes.map((text) => `<li>${escape(text)}</li>`);
  return `<h2 id="${escape(figure.name)}">${escape(figure.title)}</h2>
<p>${escape(figure.about)}</p>
${plots.join('\n')}
${claims.map(claimHtml).join('\n')}
${(figure.tables?.(results) ?? []).map(tableHtml).join('\n')}
${notes.length === 0 ? '' : `<ul>${notes.join('\n')}</ul>`}
${pointTable(figure, results)}
<p><a href="${escape(figure.name)}.csv">${escape(figure.name)}.csv</a></p>`;
}

function claimHtml(result: ClaimResult): string {
  const { claim, verdict } = result;
  const because = claim.expected.kind === 'not reproduced' ? `<br>Why: ${escape(claim.expected.because)}` : '';
  return `<p id="${escape(claim.id)}"><b>${escape(claim.id)}</b>: ${escape(claim.says)}<br>
Check: ${escape(claim.threshold)}.<br>Found: ${escape(verdict.found)}.<br>
<span class="${style(result)}">${escape(wording(result))}</span>${because}</p>`;
}

function tableHtml({ caption, head, rows }: Table): string {
  const cells = (row: readonly string[]): string =>
    row
      .map((cell) => (/^[\d.]/.test(cell) ? `<td class="n">${escape(cell)}</td>` : `<td>${escape(cell)}</td>`))
      .join('');
  return `<table><caption>${escape(caption)}</caption>
<tr>${head.map((title) => `<th>${escape(title)}</th>`).join('')}</tr>
${rows.map((row) => `<tr>${cells(row)}</tr>`).join('\n')}</table>`;
}

function pointTable(figure: Figure, results: Results): string {
  const rows = figure.scenarios.flatMap(({ id }) => scenarioRows(results.get(id)!));
  return `<details open><summary>Points</summary><table>
<tr><th>Scenario</th><th>Application</th><th>Shares</th><th>Operations/s</th><th>MB/s</th><th>Latency, mean (ms)</th><th>p50 (ms)</th><th>p95 (ms)</th><th>Time</th><th>Operations</th><th>Disk I/Os</th></tr>
${rows.join('\n')}</table></details>`;
}

function scenarioRows({ id, setup, seeds, points }: ScenarioResult): string[] {
  return points.map((point) => {
    const numbers = [point.opsPerS, point.mbPerS, point.meanMs, point.p50Ms, point.p95Ms]
      .map((value) => `<td class="n">${list([value])}</td>`)
      .join('');
    return (
      `<tr><td>${escape(id)}</td><td>${escape(point.tag)}</td><td class="n">${String(point.shares)}</td>${numbers}` +
      `<td class="n">${String(seeds.length)} × ${String(setup.seconds)} s</td><td class="n">${String(point.ops)}</td><td class="n">${String(point.diskIos)}</td></tr>`
    );
  });
}
