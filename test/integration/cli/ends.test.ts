import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { describe, expect, test, vi } from 'vitest';
import { runCli } from '../../../src/cli/index.js';
import { SLUICE } from '../../support/service.js';

async function ended(
  args: readonly string[],
  readerGone: boolean,
): Promise<{ how: unknown[]; out: string; err: string }> {
  const child = spawn(process.execPath, [SLUICE, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  if (readerGone) child.stdout.destroy();
  const exit = once(child, 'exit');
  const [out, err] = await Promise.all([readerGone ? '' : text(child.stdout), text(child.stderr)]);
  return { how: await exit, out, err };
}

/** What a command prints, run in this process. */
async function said(...args: string[]): Promise<string> {
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  try {
    expect(await runCli(args)).toBe(0);
    return write.mock.calls.map(([text]) => String(text)).join('');
  } finally {
    write.mockRestore();
  }
}

describe('how a command ends', () => {
  test('a reader that has gone ends it as a signal does, without a word', async () => {
    expect(await ended(['help', 'serve'], true)).toEqual({ how: [null, 'SIGTERM'], out: '', err: '' });
  });

  test('a command that is not there: what was meant, exit 2', async () => {
    const { how, err } = await ended(['usge'], false);
    expect(how).toEqual([2, null]);
    expect(err).toContain("unknown command 'usge'");
    expect(err).toContain('usage');
  });

  test('each command of the help answers to its name', async () => {
    const help = await said('--help');
    const names = [...help.matchAll(/^ {2}([a-z]+) /gm)].map(([, name]) => name!).filter((name) => name !== 'help');
    expect(names.length).toBeGreaterThan(10);
    for (const name of names) expect(await said(name, '--help')).toContain(`Usage: sluice ${name}`);
  });

  test('says its version', async () => {
    const { how, out } = await ended(['--version'], false);
    expect(how).toEqual([0, null]);
    expect(out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  test('a command asked for the version says who tells it, exit 2', async () => {
    const { how, err } = await ended(['policy', 'set', '--version'], false);
    expect(how).toEqual([2, null]);
    expect(err.split('\n')[0]).toBe("sluice: the version is told by 'sluice --version'");
  });
});
