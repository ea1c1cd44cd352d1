/** Progress bars on stderr; nothing where stderr is no terminal, so that logs stay clean. */
import { SingleBar } from 'cli-progress';

export interface Progress {
  /** How much is done so far, in the bar's unit; `note` stands at its end. */
  update(done: number, note?: string): void;
  /** Takes the bar off. May be called again. */
  stop(): void;
}

/** @param total 0: unknown, only what is done is shown */
export function progressBar(label: string, total: number, unit: string): Progress {
  const amount = total > 0 ? `{bar} {percentage} % | {value}/{total} ${unit}` : `{value} ${unit}`;
  const bar = new SingleBar({
    format: `${label} ${amount} {note}`,
    stream: process.stderr,
    clearOnComplete: true,
    hideCursor: true,
    // An unknown total would otherwise count as reached at once.
    stopOnComplete: false,
    barsize: 30,
  });
  bar.start(total > 0 ? total : 1, 0, { note: '' });
  let running = true;
  return {
    update(done, note = '') {
      bar.update(Math.floor(done), { note });
    },
    stop() {
      if (running) bar.stop();
      running = false;
    },
  };
}
