/** One run of `sluice top` in a terminal: what came in, what is shown, what the keys do. */
import type { Device } from '../../client/index.js';
import { pageRows, picture, type Size, type TopState } from './screen.js';
import { TOP_SORTS, arrange, type TopRow, type TopSort } from './rows.js';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export class TopSession {
  readonly #state: Mutable<TopState>;
  #known: readonly Device[] = [];
  #chosen: string;

  constructor(address: string, device: string, filter: string, sort: TopSort) {
    this.#chosen = device;
    this.#state = {
      address,
      device: null,
      rows: [],
      endMs: 0,
      filter,
      typing: false,
      sort,
      reverse: false,
      scroll: 0,
      paused: false,
      problem: '',
    };
  }

  /** The device shown; '' where there is none. */
  get device(): string {
    return this.#state.device?.name ?? this.#chosen;
  }

  setDevices(devices: readonly Device[]): void {
    this.#known = devices;
    const shown = devices.find(({ name }) => name === this.#chosen) ?? (this.#chosen === '' ? devices[0] : undefined);
    this.#state.device = shown ?? null;
    if (shown !== undefined) this.#chosen = shown.name;
  }

  setRows(rows: readonly TopRow[], endMs: number): void {
    this.#state.problem = '';
    if (this.#state.paused) return;
    this.#state.rows = rows;
    this.#state.endMs = endMs;
  }

  setProblem(problem: string): void {
    this.#state.problem = problem;
  }

  draw(size: Size): string[] {
    const count = arrange(this.#state.rows, this.#state.filter, this.#state.sort, false).length;
    this.#state.scroll = Math.max(0, Math.min(this.#state.scroll, count - pageRows(size)));
    return picture(this.#state, size);
  }

  /** @returns false where the key ends the run */
  key(key: string, size: Size): boolean {
    if (key === 'interrupt') return false;
    if (this.#state.typing) {
      this.#type(key);
      return true;
    }
    const page = pageRows(size);
    const state = this.#state;
    switch (key) {
      case 'q':
        return false;
      case '/':
        state.typing = true;
        break;
      case 'escape':
        state.filter = '';
        break;
      case 's':
        state.sort = TOP_SORTS[(TOP_SORTS.indexOf(state.sort) + 1) % TOP_SORTS.length]!;
        break;
      case 'r':
        state.reverse = !state.reverse;
        break;
      case 'p':
        state.paused = !state.paused;
        break;
      case 'd':
        this.#nextDevice();
        break;
      default:
        state.scroll += { up: -1, k: -1, down: 1, j: 1, pageup: -page, pagedown: page, home: -1e9, end: 1e9 }[key] ?? 0;
    }
    return true;
  }

  #type(key: string): void {
    const state = this.#state;
    if (key === 'enter') state.typing = false;
    else if (key === 'escape') {
      state.typing = false;
      state.filter = '';
    } else if (key === 'backspace') state.filter = state.filter.slice(0, -1);
    else if (/^[a-z0-9._/-]$/.test(key)) state.filter += key;
  }

  #nextDevice(): void {
    const devices = this.#known;
    if (devices.length === 0) return;
    const at = devices.findIndex(({ name }) => name === this.#chosen);
    this.#chosen = devices[(at + 1) % devices.length]!.name;
    this.#state.device = devices.find(({ name }) => name === this.#chosen) ?? null;
    this.#state.rows = [];
    this.#state.endMs = 0;
  }
}
