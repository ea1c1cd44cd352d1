/** Debian's Chromium on the dashboard of a real service; whatever the page complains of fails the test. */
import { existsSync } from 'node:fs';
import { chromium, type Browser, type Page } from 'playwright-core';
import { expect } from 'vitest';
import { SluiceClient } from '../../src/client/index.js';
import { SeededRng } from '../../src/core/rng.js';

/** Of 4 KiB, that the devices of these tests have. */
const BLOCKS = 2 ** 18;

const CHROMIUM = '/usr/bin/chromium';
export const canChromium = existsSync(CHROMIUM);

export class Chromium implements AsyncDisposable {
  readonly #browser: Browser;
  readonly #complaints: string[] = [];

  private constructor(browser: Browser) {
    this.#browser = browser;
  }

  static async start(): Promise<Chromium> {
    return new Chromium(await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] }));
  }

  /** The page at `http`, loaded; the network may fail later on, scripts and styles may not. */
  async open(
    http: string,
    width = 1_280,
    height = 900,
    scheme: 'light' | 'dark' = 'light',
    fragment = '',
  ): Promise<Page> {
    const page = await this.#browser.newPage({ viewport: { width, height }, colorScheme: scheme });
    page.on('pageerror', (error) => this.#complaints.push(error.message));
    page.on('console', (message) => {
      const text = message.text();
      if (message.type() === 'error' && !text.includes('net::ERR_')) this.#complaints.push(text);
    });
    page.on('request', (request) => {
      if (new URL(request.url()).host !== http) this.#complaints.push(`asks another origin: ${request.url()}`);
    });
    await page.goto(`http://${http}/${fragment}`);
    return page;
  }

  /** Fails where a page has written an error, thrown, or asked another origin. */
  expectNoComplaint(): void {
    expect(this.#complaints).toEqual([]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close();
  }
}

/** Applications in closed loops: each tag keeps `outstanding` reads at the device until disposed of. */
export class Applications implements AsyncDisposable {
  readonly #client: SluiceClient;
  readonly #loops: Promise<void>[] = [];
  #stopped = false;

  private constructor(client: SluiceClient) {
    this.#client = client;
  }

  static async start(grpc: string, device: string, tags: Readonly<Record<string, number>>): Promise<Applications> {
    const client = await SluiceClient.connect(grpc);
    const applications = new Applications(client);
    for (const [tag, outstanding] of Object.entries(tags)) {
      const handle = await client.open(device, tag);
      for (let i = 0; i < outstanding; i++) {
        applications.#loops.push(
          (async () => {
            // Scattered, no address twice: a disk that answers from its cache is not contended.
            const rng = new SeededRng(i).fork(tag);
            while (!applications.#stopped) await handle.read(rng.below(BLOCKS) * 4_096, 4_096);
          })(),
        );
      }
    }
    return applications;
  }

  /** Requests that are kept outstanding, over all tags. */
  get outstanding(): number {
    return this.#loops.length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    await Promise.allSettled(this.#loops);
    await this.#client.close();
  }
}

/** Whether anything is drawn on the canvas of the panel. */
export function drawn(page: Page, panel: string): Promise<boolean> {
  return page.locator(`.${panel} canvas`).evaluate((element) => {
    const canvas = element as unknown as {
      width: number;
      height: number;
      getContext(kind: '2d'): { getImageData(x: number, y: number, w: number, h: number): { data: Uint8ClampedArray } };
    };
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    // Axes and grid are grey; series are not.
    let coloured = 0;
    for (let i = 0; i < data.length; i += 4) {
      const [r, g, b, a] = [data[i]!, data[i + 1]!, data[i + 2]!, data[i + 3]!];
      if (a > 32 && Math.max(r, g, b) - Math.min(r, g, b) > 48) coloured += 1;
    }
    return coloured > 200;
  });
}

/** The text of a tag's cell in the table. */
export async function cell(page: Page, tag: string, column: string): Promise<string> {
  return (await page.locator(`tbody tr:has(th[title="${tag}"]) td.${column}`).innerText()).trim();
}

export function percentOf(text: string): number {
  return Number(text.replace(/[^\d.]/g, ''));
}

export interface Effect {
  /** Live seconds that the page drew from the notice of the change on. */
  readonly updates: number;
  /** From the call on, by the page's clock. */
  readonly ms: number;
}

/** Resolves when the page has told of a change by `notice` and the tag's achieved share is above `percent`. */
export function untilAchieved(page: Page, tag: string, percent: number, notice: string): Promise<Effect> {
  return page.evaluate<Effect>(`new Promise((resolve) => {
    const text = (selector) => document.querySelector(selector)?.textContent ?? '';
    const cell = (column) => text('tbody tr:has(th[title="${tag}"]) td.' + column);
    const start = performance.now();
    let rate = null;
    let updates = 0;
    const look = () => {
      if (rate === null && text('.notice').includes('${notice}')) rate = cell('opsPerS');
      if (rate !== null && cell('opsPerS') !== rate) {
        rate = cell('opsPerS');
        updates += 1;
      }
      if (rate !== null && parseFloat(cell('achieved')) > ${String(percent)}) {
        resolve({ updates, ms: performance.now() - start });
      } else requestAnimationFrame(look);
    };
    look();
  })`);
}

/** The longest time between two frames of the page, over some seconds. */
export function longestFrameMs(page: Page, overMs = 3_000): Promise<number> {
  return page.evaluate<number>(`new Promise((resolve) => {
    let worst = 0;
    let last = performance.now();
    const end = last + ${String(overMs)};
    const tick = (now) => {
      worst = Math.max(worst, now - last);
      last = now;
      if (now < end) requestAnimationFrame(tick);
      else resolve(worst);
    };
    requestAnimationFrame(tick);
  })`);
}
