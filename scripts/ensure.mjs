/**
 * Installs and builds what is missing or stale, and says so on stderr. Node builtins only: it runs
 * on a fresh clone, before anything is installed.
 */
import { createHash } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
/** The native compiler: a fifth of the time of `typescript`, which is here for those who want it as a library. */
export const TSC = join(ROOT, 'node_modules', 'typescript-7', 'bin', 'tsc');
const STAMPS = join(ROOT, 'build', 'stamps');

export function say(message) {
  process.stderr.write(`sluice: ${message}\n`);
}

/** Runs a command with its output on stderr; exits with its code when it fails. */
export function run(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: ROOT, stdio: ['ignore', 2, 2], ...options });
  if (result.error) {
    say(`${command} cannot be run: ${result.error.message}`);
    process.exit(1);
  }
  if (result.status !== 0) {
    say(`failed: ${command} ${args.join(' ')}`);
    process.exit(result.status ?? 1);
  }
}

function digest(parts) {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part).update('\0');
  return hash.digest('hex');
}

function stamp(name) {
  const file = join(STAMPS, name);
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

function setStamp(name, value) {
  mkdirSync(STAMPS, { recursive: true });
  writeFileSync(join(STAMPS, name), value);
}

function* files(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* files(path);
    else yield path;
  }
}

function ensureNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  say(`Node ${process.versions.node} is too old: 20.19 or later is needed`);
  process.exit(1);
}

function ensureInstalled() {
  const want = digest([readFileSync(join(ROOT, 'package-lock.json')), process.versions.modules]);
  if (existsSync(join(ROOT, 'node_modules')) && stamp('install') === want) return;
  say('installing dependencies (npm ci)…');
  // --include=dev: with NODE_ENV=production npm would leave the compiler out.
  run('npm', ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error']);
  setStamp('install', want);
}

function ensureBuilt() {
  const sources = ['src', 'proto'].flatMap((folder) => [...files(join(ROOT, folder))]);
  sources.push(join(ROOT, 'package-lock.json'), join(ROOT, 'tsconfig.base.json'));
  const want = digest(
    sources.sort().map((file) => {
      const { mtimeMs, size } = statSync(file);
      return `${file} ${String(mtimeMs)} ${String(size)}`;
    }),
  );
  if (existsSync(join(ROOT, 'dist', 'main.js')) && stamp('build') === want) return;
  say('building (tsc)…');
  // Whether types fit is `npm run check`'s to say, which takes as long again.
  run(process.execPath, [TSC, '-b', 'src', '--noCheck']);
  const lua = join('coordination', 'redis', 'lua');
  cpSync(join(ROOT, 'src', lua), join(ROOT, 'dist', lua), { recursive: true });
  setStamp('build', want);
}

function ensureDashboard() {
  const folder = join(ROOT, 'src', 'dashboard');
  const want = digest([...files(folder)].sort().flatMap((file) => [file, readFileSync(file)]));
  if (existsSync(join(ROOT, 'dist', 'dashboard', 'index.html')) && stamp('dashboard') === want) return;
  say('building the dashboard (vite)…');
  const vite = join(ROOT, 'node_modules', 'vite', 'bin', 'vite.js');
  run(process.execPath, [vite, 'build', folder, '--config', join(folder, 'vite.config.ts')]);
  setStamp('dashboard', want);
}

/** After it everything is installed and built. */
export function ensure() {
  ensureNode();
  ensureInstalled();
  ensureBuilt();
  ensureDashboard();
}

// `--install` leaves out the build: a layer of its own in an image.
if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  if (process.argv.includes('--install')) {
    ensureNode();
    ensureInstalled();
  } else ensure();
}
