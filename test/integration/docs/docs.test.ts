/** What README and guides say to type works as it stands. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ROOT, SLUICE, TestService, cleanEnvironment } from '../../support/service.js';

interface Block {
  readonly file: string;
  readonly line: number;
  readonly language: string;
  readonly text: string;
}

function blocks(file: string): Block[] {
  const found: Block[] = [];
  const lines = readFileSync(join(ROOT, file), 'utf8').split('\n');
  for (let i = 0; i < lines.length; i++) {
    const language = /^```(\w+)$/.exec(lines[i]!)?.[1];
    if (language === undefined) continue;
    const end = lines.indexOf('```', i);
    found.push({ file, line: i + 2, language, text: lines.slice(i + 1, end).join('\n') });
    i = end;
  }
  return found;
}

const ALL = [
  'README.md',
  'docs/clients.md',
  'docs/control-plane.md',
  'docs/dashboard.md',
  'docs/python.md',
  'docs/replay.md',
  'docs/http.md',
  'docs/coordination.md',
  'docs/usage.md',
  'docs/virtual-machines.md',
].flatMap(blocks);
/** Debian's, which has the packages that docs/python.md names. */
const PYTHON = '/usr/bin/python3';
const canPython =
  spawnSync(PYTHON, ['-c', 'import grpc']).status === 0 &&
  spawnSync('which', ['protoc', 'grpc_python_plugin']).status === 0;
const work = mkdtempSync(join(tmpdir(), 'sluice-docs-'));
// Below the package, so that a program's `import 'sluice-io'` finds it as it would a dependency.
const programs = join(ROOT, 'build', 'docs');
let service: TestService;

beforeAll(async () => {
  mkdirSync(programs, { recursive: true });
  // What a user would bring: a trace, under the names that the documents use.
  const record = (i: number): string =>
    `${String(i / 100)} ; ${String((i * 7919 * 8) % 1e6)} ; 8 ; ${i % 3 === 0 ? 'W' : 'R'} ; 0 ; 0`;
  const trace = ['made for a test', ...Array.from({ length: 300 }, (_, i) => record(i))].join('\n');
  for (const name of ['trace.load.gz', 'web.load.gz', 'db.load.gz']) writeFileSync(join(work, name), trace);
  const disksim = (i: number): string =>
    `${String(i * 1_000)} ${String(i % 2)} ${String((i * 7919 * 8) % 1e6)} 8 ${String(i % 2)}`;
  writeFileSync(join(work, 'tpcc.trace'), Array.from({ length: 300 }, (_, i) => disksim(i)).join('\n'));
  // And a disk that clients hold themselves, as docs/devices.md configures it.
  const lun = 'bindings: { lun7: { type: lease, size_bytes: 1073741824 } }\ndevices:\n  lun7: { binding: lun7 }';
  const config = readFileSync(join(ROOT, 'deploy/sluice.yaml'), 'utf8').replace('\ndevices:', `\n${lun}`);
  // The contract, where commands of a checkout find it.
  symlinkSync(join(ROOT, 'proto'), join(work, 'proto'));
  // Where sockets that nobody named lie.
  service = await TestService.start({ config, environment: { XDG_RUNTIME_DIR: work } });
});

afterAll(async () => {
  await service[Symbol.asyncDispose]();
  rmSync(work, { recursive: true, force: true });
  rmSync(programs, { recursive: true, force: true });
});

async function run(
  command: string,
  args: readonly string[],
  environment: Record<string, string> = {},
): Promise<{ code: number; output: string; stdout: string }> {
  const child = spawn(command, args, {
    cwd: work,
    env: cleanEnvironment({ SLUICE_ADDRESS: service.grpc, ...environment }),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let stdout = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
    stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise<number>((resolve) => child.once('close', (status) => resolve(status ?? -1)));
  return { code, output, stdout };
}

/** A line as a shell would read it, short of what the documents do not use. */
function words(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map((match) => match[1] ?? match[2] ?? match[3]!);
}

/** Lines of a block without comments, joined where they end in a backslash. */
function commands({ text }: Block): string[] {
  return text
    .replace(/\\\n\s*/g, '')
    .split('\n')
    .map((line) => line.replace(/\s+#.*$/, '').trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

async function type(line: string): Promise<void> {
  const [first, second, ...rest] = words(line.replace(/^npx /, ''));
  if (first === 'npm') {
    const scripts = (
      JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string> }
    ).scripts;
    expect(Object.keys(scripts)).toContain(second === 'run' ? rest[0] : second);
    return;
  }
  if (first === 'sluice') {
    // The service of the documents is up already, on ports of its own.
    if (second === 'serve') return;
    // Ten seconds of load show no more than one does.
    const all = [second!, ...rest].map((word, i, words) => (words[i - 1] === '--seconds' ? '1' : word));
    const into = all.indexOf('>');
    const args = into < 0 ? all : all.slice(0, into);
    const { code, output, stdout } = await run(process.execPath, [SLUICE, ...args]);
    expect(code, `${line}\n${output}`).toBe(0);
    if (into >= 0) writeFileSync(join(work, all[into + 1]!), stdout);
    return;
  }
  if (first === 'protoc') {
    if (!canPython) return;
    const { code, output } = await run(first, [second!, ...rest]);
    expect(code, `${line}\n${output}`).toBe(0);
    return;
  }
  if (first === 'curl') {
    const url = words(line).find((word) => word.startsWith('http://'))!;
    const response = await fetch(url.replace('127.0.0.1:8080', service.http));
    expect(response.ok, line).toBe(true);
    return;
  }
  throw new Error(`the documents use a command that this test does not know: ${line}`);
}

describe('commands of the documents', () => {
  // docs/http.md has a test of its own, which knows of PUT, If-Match and bodies.
  const shell = ALL.filter(({ language, file }) => language === 'sh' && file !== 'docs/http.md');
  test.each(shell.map((block) => [`${block.file}:${String(block.line)}`, block] as const))(
    '%s',
    async (_, block) => {
      for (const line of commands(block)) await type(line);
    },
    60_000,
  );
});

describe('programs of the documents', () => {
  const written = ALL.filter(({ language }) => language === 'ts').map((block) => {
    const name = `${basename(block.file, '.md')}-${String(block.line)}`;
    return { ...block, name, path: join(programs, `${name}.mts`) };
  });

  test('have right types', () => {
    for (const { path, text } of written) writeFileSync(path, text);
    const program = ts.createProgram(
      written.map(({ path }) => path),
      {
        strict: true,
        noEmit: true,
        skipLibCheck: true,
        target: ts.ScriptTarget.ES2023,
        module: ts.ModuleKind.NodeNext,
        moduleResolution: ts.ModuleResolutionKind.NodeNext,
        lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
        types: ['node'],
        typeRoots: [join(ROOT, 'node_modules', '@types')],
      },
    );
    const said = ts.getPreEmitDiagnostics(program).map((diagnostic) => {
      const text = ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n');
      return `${diagnostic.file === undefined ? '' : basename(diagnostic.file.fileName)}: ${text}`;
    });
    expect(said).toEqual([]);
  }, 60_000);

  test.each(written.map((block) => [`${block.file}:${String(block.line)}`, block] as const))(
    '%s runs',
    async (_, block) => {
      const { outputText } = ts.transpileModule(block.text, {
        compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
      });
      const path = join(programs, `${block.name}.mjs`);
      writeFileSync(path, outputText);
      const { code, output } = await run(process.execPath, [pathToFileURL(path).pathname]);
      expect(code, output).toBe(0);
    },
  );
});

describe.skipIf(!canPython)('Python programs of the documents', () => {
  const written = ALL.filter(({ language }) => language === 'python');
  test.each(written.map((block) => [`${block.file}:${String(block.line)}`, block] as const))(
    '%s runs',
    async (_, block) => {
      const path = join(work, `program-${String(block.line)}.py`);
      writeFileSync(path, block.text);
      const { code, output } = await run(PYTHON, [path]);
      expect(code, output).toBe(0);
    },
    60_000,
  );
});
