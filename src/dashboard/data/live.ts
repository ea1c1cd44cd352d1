/**
 * The live stream: server-sent events read with fetch, so that a header can carry who is asking. It
 * connects again by itself, a little later each time.
 */
import { QUANTILES, type Device, type UsageRow } from './api.js';

/** `connecting` for the first time; `live`; `lost` and trying again. */
export type Link = 'connecting' | 'live' | 'lost';

export interface LiveListener {
  usage(rows: UsageRow[], startMs: number, endMs: number): void;
  devices(devices: Device[]): void;
  link(state: Link, reason: string): void;
}

/** Most tags an event carries: the bound of the service. */
const TOP_N = 1_000;
const RETRY_MS_MIN = 500;
const RETRY_MS_MAX = 5_000;
/** Events come every second: a stream silent for this long is dead, whatever TCP says. */
const SILENCE_MS = 5_000;

/** Splits text into events as the HTML standard has it (9.2.6), as far as the service uses it. */
export class EventReader {
  private rest = '';

  read(text: string, handle: (event: string, data: string) => void): void {
    const blocks = (this.rest + text).split('\n\n');
    this.rest = blocks.pop()!;
    for (const block of blocks) {
      let event = 'message';
      const data: string[] = [];
      for (const line of block.split('\n')) {
        if (line.startsWith('event: ')) event = line.slice(7);
        else if (line.startsWith('data: ')) data.push(line.slice(6));
      }
      if (data.length > 0) handle(event, data.join('\n'));
    }
  }
}

/** Runs until `signal`. */
export async function follow(listener: LiveListener, signal: AbortSignal): Promise<void> {
  let retryMs = RETRY_MS_MIN;
  listener.link('connecting', '');
  while (!signal.aborted) {
    let reason = 'the service ended the stream';
    try {
      await once(listener, signal, () => {
        retryMs = RETRY_MS_MIN;
      });
    } catch (error) {
      reason = (error as Error).message;
    }
    listener.link('lost', reason);
    await pause(retryMs, signal);
    retryMs = Math.min(RETRY_MS_MAX, retryMs * 2);
  }
}

async function once(listener: LiveListener, signal: AbortSignal, connected: () => void): Promise<void> {
  const attempt = new AbortController();
  const giveUp = (): void => attempt.abort(new Error('the service is silent'));
  const stop = (): void => attempt.abort();
  signal.addEventListener('abort', stop);
  let watchdog = setTimeout(giveUp, SILENCE_MS);
  try {
    const res = await fetch(`v1/live?orderBy=cost&topN=${String(TOP_N)}&quantiles=${QUANTILES}`, {
      signal: attempt.signal,
    });
    if (!res.ok || res.body === null) throw new Error(`the live stream answers ${String(res.status)}`);
    connected();
    listener.link('live', '');
    const events = new EventReader();
    const reader = res.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      clearTimeout(watchdog);
      watchdog = setTimeout(giveUp, SILENCE_MS);
      events.read(value, (event, data) => deliver(listener, event, data));
    }
  } finally {
    clearTimeout(watchdog);
    signal.removeEventListener('abort', stop);
    attempt.abort();
  }
}

function deliver(listener: LiveListener, event: string, data: string): void {
  if (event === 'usage') {
    const { startMs, endMs, rows } = JSON.parse(data) as { startMs: string; endMs: string; rows: UsageRow[] };
    listener.usage(rows, Number(startMs), Number(endMs));
  } else if (event === 'devices') {
    listener.devices((JSON.parse(data) as { devices: Device[] }).devices);
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
