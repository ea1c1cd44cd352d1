/** uPlot in a component: made anew when its shape changes, fed and resized otherwise. */
import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import type { JSX } from 'preact';

const TIME_OF_DAY = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});
const TICK_GAP_PX = 80;

/** Axes in the page's colours; times of day as people here write them, with seconds. */
export function axes(ink: { text: string; grid: string }, show: (value: number) => string): uPlot.Axis[] {
  const axis = { stroke: ink.text, grid: { stroke: ink.grid, width: 1 }, ticks: { stroke: ink.grid, width: 1 } };
  return [
    { ...axis, space: TICK_GAP_PX, values: (_plot, ticks) => ticks.map((tick) => TIME_OF_DAY.format(tick * 1000)) },
    { ...axis, size: 72, values: (_plot, ticks) => ticks.map((tick) => show(tick)) },
  ];
}

/** Taller on taller screens. */
function usePlotHeight(): number {
  const fit = (): number => Math.round(Math.min(520, Math.max(200, innerHeight * 0.28)));
  const [heightPx, setHeightPx] = useState(fit);
  useEffect(() => {
    const measure = (): void => setHeightPx(fit());
    addEventListener('resize', measure);
    return () => removeEventListener('resize', measure);
  }, []);
  return heightPx;
}

interface PlotProps {
  /** What the plot consists of; another text makes it anew. */
  readonly shape: string;
  readonly options: () => Omit<uPlot.Options, 'width' | 'height'>;
  readonly data: uPlot.AlignedData;
  readonly label: string;
}

export function Plot({ shape, options, data, label }: PlotProps): JSX.Element {
  const heightPx = usePlotHeight();
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  useEffect(() => {
    const element = box.current!;
    const made = new uPlot(
      { ...options(), width: Math.max(200, element.clientWidth), height: heightPx },
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
  }, [shape, heightPx]);
  useEffect(() => plot.current?.setData(data), [data]);
  return <div ref={box} class="plot" role="img" aria-label={label} style={{ minHeight: `${String(heightPx)}px` }} />;
}
