/** A figure's plot as SVG, drawn by vega-lite without a browser. The same rows give the same bytes. */
import type { TopLevelSpec } from 'vega-lite';
import type { Plot, PlotRow } from '../experiment.js';

const WIDTH = 420;
const PANEL_WIDTH = 230;
const HEIGHT = 280;
const PANEL_HEIGHT = 200;
const PANELS_A_ROW = 3;

/** A row of the plot's data as vega-lite sees it. */
interface Datum {
  readonly x: number | string;
  readonly y: number;
  readonly low: number;
  readonly high: number;
  readonly series: string;
  readonly panel: string;
}

/** Nothing that is plotted can be negative: an interval ends at 0. */
function datum({ x, y, series, panel }: PlotRow): Datum {
  return { x, y: y.mean, low: Math.max(0, y.mean - y.half), high: y.mean + y.half, series, panel };
}

export async function drawPlot(plot: Plot, rows: readonly PlotRow[]): Promise<string> {
  // Loaded by the first plot, when runs are on their way: it takes as long as all else that is loaded for them.
  const [{ View, parse }, { compile }] = await Promise.all([import('vega'), import('vega-lite')]);
  const view = new View(parse(compile(spec(plot, rows)).spec), { renderer: 'none' });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}

function spec(plot: Plot, rows: readonly PlotRow[]): TopLevelSpec {
  const data = { values: rows.map(datum) };
  const panels = [...new Set(rows.map(({ panel }) => panel))];
  const config = {
    font: 'DejaVu Sans, Helvetica, Arial, sans-serif',
    background: 'white',
    axis: { labelFontSize: 11, titleFontSize: 12, grid: true, gridColor: '#e6e6e6' },
    legend: { labelFontSize: 11, titleFontSize: 12, labelLimit: 300 },
    header: { labelFontSize: 12, labelFontWeight: 'bold' as const },
  };
  const seriesOrder = [...new Set(rows.map(({ series }) => series))];
  const xOrder = [...new Set(rows.map(({ x }) => x))];
  const layer = layers(plot, seriesOrder, xOrder);
  if (panels.length === 1) return { data, config, width: WIDTH, height: HEIGHT, layer } as TopLevelSpec;
  return {
    data,
    config,
    facet: { field: 'panel', type: 'nominal', title: null, sort: panels },
    columns: Math.min(PANELS_A_ROW, panels.length),
    spec: { width: PANEL_WIDTH, height: PANEL_HEIGHT, layer },
    resolve: { scale: { y: plot.sharedY === true ? 'shared' : 'independent' }, axis: { x: 'independent' } },
  } as TopLevelSpec;
}

function layers(plot: Plot, seriesOrder: readonly string[], xOrder: readonly (string | number)[]): object[] {
  const color = {
    field: 'series',
    type: 'nominal',
    title: plot.seriesTitle,
    scale: { scheme: 'tableau10' },
    sort: seriesOrder,
    ...(seriesOrder.length === 1 ? { legend: null } : {}),
  };
  const yScale = plot.logY === true ? { type: 'log' } : { zero: true };
  const y = { field: 'y', type: 'quantitative', title: plot.yTitle, scale: yScale };
  switch (plot.kind) {
    case 'lines': {
      const numbers = xOrder.every((x) => typeof x === 'number');
      const x = numbers
        ? {
            field: 'x',
            type: 'quantitative',
            title: plot.xTitle,
            scale: plot.logX === true ? { type: 'log' } : { zero: false, padding: 12 },
            axis: { values: xOrder },
          }
        : { field: 'x', type: 'ordinal', title: plot.xTitle, sort: xOrder, axis: { labelAngle: 0 } };
      return [
        { mark: { type: 'line', strokeWidth: 2 }, encoding: { x, y, color } },
        { mark: { type: 'point', filled: true, size: 45 }, encoding: { x, y, color, shape: { ...color, scale: {} } } },
        {
          mark: { type: 'rule', strokeWidth: 1.5 },
          encoding: { x, y: { ...y, field: 'low' }, y2: { field: 'high' }, color },
        },
      ];
    }
    case 'bars': {
      const x = { field: 'x', type: 'nominal', title: plot.xTitle, sort: xOrder, axis: { labelAngle: 0 } };
      const xOffset = { field: 'series', sort: seriesOrder };
      // A bar begins at 0, which a logarithmic axis has not.
      const mark = plot.logY === true ? { type: 'point', filled: true, size: 90, opacity: 1 } : { type: 'bar' };
      return [
        { mark, encoding: { x, xOffset, y, color } },
        {
          mark: { type: 'rule', strokeWidth: 1.5, color: '#333' },
          encoding: { x, xOffset, y: { ...y, field: 'low' }, y2: { field: 'high' } },
        },
      ];
    }
    case 'stacked': {
      const x = { field: 'x', type: 'nominal', title: plot.xTitle, sort: xOrder, axis: { labelAngle: 0 } };
      const order = { field: 'series', sort: 'ascending' };
      return [{ mark: { type: 'bar' }, encoding: { x, y, color, order } }];
    }
  }
}
