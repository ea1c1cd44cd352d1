/** Live streams: what is served and how devices stand, as server-sent events. Bounded in number, rows and unread bytes. */
import type { Response } from 'express';
import type { RawUsageWatch, Usage } from '../../control/usage.js';
import { SluiceError, invalid } from '../../core/model/errors.js';
import type { ServedDevices } from '../../core/ports.js';
import { deviceJson, rowJson } from './convert.js';

const STREAMS_MAX = 64;
/** Most rows an event. */
const TOP_N_MAX = 1_000;
const TOP_N_DEFAULT = 100;
/** How long an event source waits before it connects again. */
const RETRY_MS = 1_000;

interface Live {
  readonly res: Response;
  stop: () => void;
}

export class LiveStreams {
  private readonly usage: Usage;
  private readonly served: ServedDevices;
  private readonly streams = new Set<Live>();
  private draining = false;

  constructor(usage: Usage, served: ServedDevices) {
    this.usage = usage;
    this.served = served;
  }

  /** @throws SluiceError QUEUE_FULL past the bound; INVALID_ARGUMENT; then nothing has been answered yet */
  async open(res: Response, asked: RawUsageWatch): Promise<void> {
    if (this.draining) throw new SluiceError('DRAINING', 'the service is stopping: connect elsewhere');
    if (this.streams.size >= STREAMS_MAX) {
      throw new SluiceError('QUEUE_FULL', `at most ${String(STREAMS_MAX)} live streams are served at once`, {
        retryAfterMs: RETRY_MS,
      });
    }
    if (asked.topN > TOP_N_MAX) throw invalid('top_n', `0..${String(TOP_N_MAX)} on a live stream`, asked.topN);
    const topN = asked.topN === 0 ? TOP_N_DEFAULT : asked.topN;
    const live: Live = { res, stop: () => undefined };
    this.streams.add(live);
    res.on('close', () => this.forget(live));
    try {
      live.stop = await this.usage.watch({ ...asked, topN }, (rows, startMs, endMs) => {
        // Whoever does not read misses intervals instead of filling memory.
        if (res.writableNeedDrain) return;
        send(res, 'usage', { startMs: String(startMs), endMs: String(endMs), rows: rows.map(rowJson) });
        send(res, 'devices', { devices: this.served.list().map((device) => deviceJson(device)) });
      });
    } catch (error) {
      this.forget(live);
      throw error;
    }
    if (!this.streams.has(live)) {
      live.stop();
      return;
    }
    res.writeHead(200, {
      'Content-Type': 'text/event-stream',
      'Cache-Control': 'no-store',
      // Proxies that gather answers would hold events back.
      'X-Accel-Buffering': 'no',
    });
    res.write(`retry: ${String(RETRY_MS)}\n\n`);
  }

  /** Tells all streams to go and ends them; takes no more. */
  drain(): void {
    this.draining = true;
    for (const live of [...this.streams]) {
      if (live.res.headersSent) send(live.res, 'goAway', { reason: 'the service is stopping' });
      live.res.end();
      this.forget(live);
    }
  }

  private forget(live: Live): void {
    this.streams.delete(live);
    live.stop();
  }
}

function send(res: Response, event: string, data: unknown): void {
  res.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
}
