import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CODES } from '../../../src/core/model/errors.js';
import { STATUS } from '../../../src/doors/http/problem.js';
import { HttpRig } from '../../support/http-rig.js';

const DOC = readFileSync(new URL('../../../docs/http.md', import.meta.url), 'utf8');
const BASE = 'http://127.0.0.1:8080';

let rig: HttpRig;
beforeAll(async () => {
  rig = await HttpRig.start();
});
afterAll(() => rig[Symbol.asyncDispose]());

interface Command {
  method: string;
  path: string;
  headers: Record<string, string>;
  body?: string;
}

/** As much of curl as the document uses. */
function parse(line: string): Command {
  const words = [...line.matchAll(/'([^']*)'|(\S+)/g)].map((match) => match[1] ?? match[2]!);
  const command: Command = { method: 'GET', path: '', headers: {} };
  for (let i = 1; i < words.length; i++) {
    const word = words[i]!;
    if (word === '-s' || word === '-sN') continue;
    if (word === '-m') i += 1;
    else if (word === '-X') command.method = words[++i]!;
    else if (word === '-d') command.body = words[++i]!;
    else if (word === '-H') {
      const [name, value] = words[++i]!.split(': ');
      command.headers[name!.toLowerCase()] = value!;
    } else if (word.startsWith(BASE)) command.path = word.slice(BASE.length);
    else throw new Error(`the test knows no ${word}`);
  }
  return command;
}

describe('docs/http.md', () => {
  const lines = DOC.split('\n').filter((line) => line.startsWith('curl '));

  it('has examples that work, one after the other', async () => {
    expect(lines.length).toBeGreaterThan(15);
    for (const line of lines) {
      const { method, path, headers, body } = parse(line);
      if (path.startsWith('/v1/live')) {
        const live = await fetch(`${rig.base}${path}`);
        expect(live.status, line).toBe(200);
        await live.body!.cancel();
        continue;
      }
      const answer = await rig.call(method, path, { headers, ...(body !== undefined && { body }) });
      expect(answer.status, `${line}\n${answer.text}`).toBeLessThan(300);
    }
  });

  it('lists every code at its status', () => {
    const listed = [...DOC.matchAll(/^\| ([\d, ]+) \| ([A-Z_, ]+) \|$/gm)].flatMap(([, statuses, codes]) => {
      const all = statuses!.trim().split(', ').map(Number);
      return codes!
        .trim()
        .split(', ')
        .map((code, i) => [code, all[Math.min(i, all.length - 1)]]);
    });
    expect(Object.fromEntries(listed)).toEqual(STATUS);
    expect(Object.keys(STATUS).length).toBe(Object.keys(CODES).length - 1);
  });
});
