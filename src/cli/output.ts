/** What goes where: results to stdout, all else to stderr; with `--json` the object is stdout's last line. */
import { InvalidArgumentError } from 'commander';
import { SluiceError } from '../core/model/errors.js';

/** The result: text for people, or, with `--json`, the object on stdout and the text on stderr. */
export function printResult(json: boolean, text: string, object: unknown): void {
  if (!json) {
    process.stdout.write(`${text}\n`);
    return;
  }
  process.stderr.write(`${text}\n`);
  process.stdout.write(`${JSON.stringify(object)}\n`);
}

/** A line for the user on stderr. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** An option's parser out of one that throws SluiceError: what it refuses is then a usage error, exit code 2. */
export function option<T>(parse: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      throw new InvalidArgumentError(SluiceError.from(error).message);
    }
  };
}

/** The same for an option that may be given more than once. */
export function options<T>(parse: (text: string) => T): (text: string, before: T[] | undefined) => T[] {
  const one = option(parse);
  return (text, before) => [...(before ?? []), one(text)];
}
