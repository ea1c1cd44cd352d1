/**
 * The Dockerfile's steps in a plain folder, where no container engine runs: each stage is a folder,
 * COPY copies within what .dockerignore lets through, RUN runs in the stage's working folder. What
 * only an engine can show (the base image, the user) is not shown here.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { expect, it } from 'vitest';
import { ROOT, cleanEnvironment } from '../../support/service.js';

interface Stage {
  readonly root: string;
  workdir: string;
  readonly env: Record<string, string>;
}

const TIMEOUT_MS = 300_000;
/** Installs from the registry, too. */
const LONG = process.env['SLUICE_LONG'] === '1';

/** Lines of the file without comments, `\` continuations joined. */
function instructions(file: string): { name: string; rest: string }[] {
  return readFileSync(file, 'utf8')
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('#'))
    .map((line) => {
      const space = line.indexOf(' ');
      return { name: line.slice(0, space), rest: line.slice(space + 1).trim() };
    });
}

function sent(path: string): boolean {
  const lines = readFileSync(join(ROOT, '.dockerignore'), 'utf8').trim().split('\n');
  expect(lines[0]).toBe('*');
  return lines.some((line) => line.startsWith('!') && (path === line.slice(1) || path.startsWith(`${line.slice(1)}/`)));
}

function copy(rest: string, stage: Stage, stages: ReadonlyMap<string, Stage>): void {
  const words = rest.split(/\s+/);
  const from = words[0]!.startsWith('--from=') ? stages.get(words.shift()!.slice(7))! : null;
  const to = words.pop()!;
  const target = join(stage.root, to.startsWith('/') ? '' : stage.workdir, to);
  for (const source of words) {
    if (from === null && !sent(source)) throw new Error(`.dockerignore keeps ${source} back, which COPY asks for`);
    const path = join(from?.root ?? ROOT, source);
    const into = to.endsWith('/') ? join(target, basename(source)) : target;
    mkdirSync(join(into, '..'), { recursive: true });
    cpSync(path, into, { recursive: true, verbatimSymlinks: true });
  }
}

/**
 * What was installed here for the same lock file, as an engine takes a layer that it has made before. The stamp
 * says which: where it is of another lock file, the step that comes installs.
 */
function takeInstalled(target: string): void {
  mkdirSync(join(target, 'build', 'stamps'), { recursive: true });
  for (const path of ['node_modules', join('build', 'stamps', 'install')]) {
    expect(spawnSync('cp', ['-a', join(ROOT, path), join(target, path)]).status).toBe(0);
  }
}

it(
  'makes an image that serves, without what only the build needs',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-image-'));
    try {
      const stages = new Map<string, Stage>();
      let stage: Stage | null = null;
      const last = new Map<string, string>();
      for (const { name, rest } of instructions(join(ROOT, 'deploy', 'Dockerfile'))) {
        if (name === 'FROM') {
          const [, as = 'final'] = / AS (\w+)$/.exec(rest) ?? [];
          stage = { root: join(folder, as), workdir: '/', env: {} };
          mkdirSync(stage.root);
          stages.set(as, stage);
        } else if (name === 'WORKDIR') {
          stage!.workdir = rest;
          mkdirSync(join(stage!.root, rest), { recursive: true });
        } else if (name === 'ENV') {
          const [key, value] = rest.split('=');
          stage!.env[key!] = value!;
        } else if (name === 'COPY') copy(rest, stage!, stages);
        else if (name === 'RUN') {
          if (/--install$/.test(rest) && !LONG) takeInstalled(join(stage!.root, stage!.workdir));
          const cwd = join(stage!.root, stage!.workdir);
          const ran = spawnSync('sh', ['-c', rest], {
            cwd,
            encoding: 'utf8',
            env: cleanEnvironment({ ...stage!.env, PWD: cwd }),
          });
          expect(ran.status, `${rest}: ${ran.stderr.slice(-2_000)}`).toBe(0);
        } else last.set(name, rest);
      }
      const image = stages.get('final')!;
      expect(last.get('USER')).toBe('node');
      expect(last.get('HEALTHCHECK')).toContain('/livez');
      const home = join(image.root, image.workdir);
      for (const tool of ['typescript', 'typescript-7'])
        expect(existsSync(join(home, 'node_modules', tool))).toBe(false);
      expect(existsSync(join(home, 'dist', 'dashboard', 'index.html'))).toBe(true);
      const [entry, script] = JSON.parse(last.get('ENTRYPOINT')!) as string[];
      expect(entry).toBe('node');
      expect(statSync(join(image.root, script!)).isFile()).toBe(true);
      await serves(image, script!, JSON.parse(last.get('CMD')!) as string[]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
  TIMEOUT_MS,
);

/** Starts the image's command on free ports, asks it, and stops it as an engine does. */
async function serves(image: Stage, script: string, command: readonly string[]): Promise<void> {
  const args = command.map((word) => (word.startsWith('/') ? join(image.root, word) : word));
  const child = spawn(process.execPath, [join(image.root, script), ...args], {
    cwd: join(image.root, image.workdir),
    env: cleanEnvironment({
      ...image.env,
      SLUICE_LISTEN_GRPC: '127.0.0.1:0',
      SLUICE_LISTEN_HTTP: '127.0.0.1:0',
    }),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let printed = '';
  for await (const chunk of child.stdout) {
    printed += String(chunk);
    if (/HTTP \S+\n/.test(printed)) break;
  }
  const http = /HTTP (\S+)\n/.exec(printed)![1]!;
  expect((await fetch(`${http}/livez`)).status).toBe(200);
  expect(await (await fetch(http)).text()).toContain('<div id="page">');
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
}
