/** The terminal as `sluice top` needs it: alternate screen, single keys, size; as it was before at the end. */
import type { Size } from './screen.js';

const ESC = '\u001b';
const ENTER = `${ESC}[?1049h${ESC}[?25l`;
const LEAVE = `${ESC}[?25h${ESC}[?1049l`;

const KEYS: Readonly<Record<string, string>> = {
  [`${ESC}[A`]: 'up',
  [`${ESC}[B`]: 'down',
  [`${ESC}[5~`]: 'pageup',
  [`${ESC}[6~`]: 'pagedown',
  [`${ESC}[H`]: 'home',
  [`${ESC}[F`]: 'end',
  [ESC]: 'escape',
  '\r': 'enter',
  '\n': 'enter',
  '\u007f': 'backspace',
  '\b': 'backspace',
  '\u0003': 'interrupt',
};

/** The keys in what a terminal sent: names of special ones, others as they are. */
export function keysOf(text: string): string[] {
  const keys: string[] = [];
  for (let i = 0; i < text.length;) {
    const sequence = new RegExp(`^${ESC}\\[[0-9;]*[A-Za-z~]`).exec(text.slice(i))?.[0] ?? text[i]!;
    const key = KEYS[sequence] ?? sequence;
    // Sequences that mean nothing here are no text.
    if (!key.startsWith(ESC)) keys.push(key);
    i += sequence.length;
  }
  return keys;
}

export class Terminal implements Disposable {
  readonly #input: NodeJS.ReadStream;
  readonly #output: NodeJS.WriteStream;
  readonly #onKeys: (chunk: Buffer) => void;
  readonly #onResize: () => void;

  constructor(
    input: NodeJS.ReadStream,
    output: NodeJS.WriteStream,
    onKey: (key: string) => void,
    onResize: () => void,
  ) {
    this.#input = input;
    this.#output = output;
    this.#onKeys = (chunk) => keysOf(chunk.toString()).forEach(onKey);
    this.#onResize = onResize;
    output.write(ENTER);
    input.setRawMode(true);
    input.resume();
    input.on('data', this.#onKeys);
    output.on('resize', this.#onResize);
  }

  get size(): Size {
    return { columns: this.#output.columns, lines: this.#output.rows };
  }

  /** Draws over what is there: nothing flickers. */
  draw(lines: readonly string[]): void {
    const body = lines.map(
      (line, i) => `${ESC}[${String(i + 1)};1H${i === 2 ? `${ESC}[7m${line}${ESC}[0m` : line}${ESC}[K`,
    );
    this.#output.write(`${body.join('')}${ESC}[J`);
  }

  [Symbol.dispose](): void {
    this.#input.off('data', this.#onKeys);
    this.#output.off('resize', this.#onResize);
    this.#input.setRawMode(false);
    this.#input.pause();
    this.#output.write(LEAVE);
  }
}
