/** uPlot in a component: made anew when its shape changes, fed and resized otherwise. */
import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import type { JSX } from 'preact';
import type { Range } from '../data/range.js';
import { tickText } from './range-text.js';

/** The page's own unit: it grows with the screen, and so do axes. */
function remPx(): number {
  return parseFloat(getComputedStyle(document.documentElement).fontSize);
}

/** Axes in the page's colours; times of day as people here write them. */
export function axes(ink: { text: string; grid: string }, range: Range, show: (value: number) => string): uPlot.Axis[] {
  const rem = remPx();
  const axis = {
    stroke: ink.text,
    font: `${String(Math.round(rem * 0.85))}px system-ui, sans-serif`,
    grid: { stroke: ink.grid, width: 1 },
    ticks: { stroke: ink.grid, width: 1 },
  };
  return [
    {
      ...axis,
      space: rem * 5.7,
      size: rem * 2.8,
      values: (_plot, ticks) => ticks.map((tick) => tickText(range, tick)),
    },
    { ...axis, space: rem * 2.2, size: rem * 5.1, values: (_plot, ticks) => ticks.map((tick) => show(tick)) },
  ];
}

/** Taller on taller screens. */
function usePlotSize(): { heightPx: number; rem: number } {
  const fit = (): { heightPx: number; rem: number } => ({
    heightPx: Math.round(Math.min(520, Math.max(200, innerHeight * 0.28))),
    rem: remPx(),
  });
  const [size, setSize] = useState(fit);
  useEffect(() => {
    const measure = (): void => setSize(fit());
    addEventListener('resize', measure);
    return () => removeEventListener('resize', measure);
  }, []);
  return size;
}

interface PlotProps {
  /** What the plot consists of; another text makes it anew. */
  readonly shape: string;
  readonly options: () => Omit<uPlot.Options, 'width' | 'height'>;
  readonly data: uPlot.AlignedData;
  readonly label: string;
}

export function Plot({ shape, options, data, label }: PlotProps): JSX.Element {
  const { heightPx, rem } = usePlotSize();
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  useEffect(() => {
    const element = box.current!;
    const made = new uPlot(
      {
        padding: [null, rem * 1.8, null, null],
        ...options(),
        width: Math.max(200, element.clientWidth),
        height: heightPx,
      },
      data,
      element,
    );
    plot.current = made;
    const observer = new ResizeObserver(() =>
      made.setSize({ width: Math.max(200, element.clientWidth), height: heightPx }),
    );
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [shape, heightPx, rem]);
  useEffect(() => plot.current?.setData(data), [data]);
  return <div ref={box} class="plot" role="img" aria-label={label} style={{ minHeight: `${String(heightPx)}px` }} />;
}
