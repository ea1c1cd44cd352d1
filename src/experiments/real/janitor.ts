/**
 * Undoes what a run has set up on this machine, however it ends. A shell of its own session is told, before
 * each step, the command that undoes it; when the pipe to it closes, which it does even where the process is
 * killed outright, the shell runs what is left, last first.
 *
 *   owe(undo), step; owe(undo), step; …   ──▶  undoTo(n): the shell runs the last ones
 *   end of the process, whatever it was   ──▶  the shell runs them all
 *
 * The commands say what is to be gone, not what was made, so that one whose step never came to be does nothing.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** Signals are for those who set things up. A reader of the answers that has gone is no reason to stop either. */
const SHELL = `
trap '' INT TERM HUP PIPE
nl='
'
owed=
undo() {
  step=\${owed%%"$nl"*}
  owed=\${owed#*"$nl"}
  eval "$step" </dev/null >/dev/null || echo "sluice: could not be undone: $step" >&2
}
while IFS= read -r line; do
  case $line in
    -) undo; echo ;;
    *) owed="$line$nl$owed" ;;
  esac
done
while [ -n "$owed" ]; do undo; done
`;

export class Janitor {
  readonly #shell: ChildProcess;
  readonly #undone: (() => void)[] = [];
  readonly #ended: Promise<unknown>;
  #owed = 0;

  constructor() {
    this.#shell = spawn('sh', ['-c', SHELL], { stdio: ['pipe', 'pipe', 'inherit'], detached: true });
    this.#ended = once(this.#shell, 'close');
    createInterface(this.#shell.stdout!).on('line', () => this.#undone.shift()?.());
  }

  /** How many steps are to be undone: where `undoTo` goes back to. */
  get owed(): number {
    return this.#owed;
  }

  /** @param undo a shell command of one line */
  owe(undo: string): void {
    this.#shell.stdin!.write(`${undo}\n`);
    this.#owed += 1;
  }

  /** Undoes all that was owed since `owed` was that, the last first. */
  async undoTo(owed: number): Promise<void> {
    const steps: Promise<void>[] = [];
    for (; this.#owed > owed; this.#owed -= 1) {
      steps.push(new Promise((resolve) => this.#undone.push(resolve)));
      this.#shell.stdin!.write('-\n');
    }
    await Promise.all(steps);
  }

  /** Undoes all. May be called again. */
  async close(): Promise<void> {
    this.#shell.stdin!.end();
    await this.#ended;
  }
}

/** As one word of the shell. */
export function quote(word: string): string {
  return `'${word.replace(/'/g, "'\\''")}'`;
}
