/**
 * One scheduler a file. node:fs has no flock, so the lock is a file of its own that names its holder:
 * made whole under another name and linked into place, which only one can do. A holder is known by pid
 * and start time, within one boot and one pid namespace; a lock whose holder is gone is taken over.
 * Where that cannot be told (another host on a shared file system, another container), it counts as held.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import { SluiceError } from '../../core/model/errors.js';

interface Holder {
  readonly pid: number;
  /** Clock ticks since boot at which the process started; '' where /proc does not tell. */
  readonly started: string;
  readonly boot: string;
  readonly namespace: string;
  readonly host: string;
  /** Tells this lock from any other of the same process. */
  readonly nonce: string;
}

type Standing = 'alive' | 'gone' | 'unknown';

/** Attempts at a lock that others keep taking and losing. */
const TRIES = 8;

export class FileLock {
  readonly #lockPath: string;
  readonly #nonce: string;

  private constructor(lockPath: string, nonce: string) {
    this.#lockPath = lockPath;
    this.#nonce = nonce;
  }

  /**
   * @param target what is locked, for the message
   * @throws SluiceError DEVICE_IO naming the holder
   */
  static async take(lockPath: string, target: string): Promise<FileLock> {
    const self = holderOfThisProcess();
    const draft = `${lockPath}.${self.nonce}`;
    await writeFile(draft, JSON.stringify(self), { flag: 'wx', mode: 0o644 });
    try {
      for (let attempt = 0; attempt < TRIES; attempt++) {
        if (await tryLink(draft, lockPath)) return new FileLock(lockPath, self.nonce);
        const text = await readIfThere(lockPath);
        if (text === null) continue;
        const holder = parse(text);
        const standing = holder === null ? 'unknown' : standingOf(holder, self);
        if (standing !== 'gone') throw held(target, lockPath, holder, standing);
        await putAside(lockPath, text, `${draft}.old`);
      }
      throw new SluiceError('DEVICE_IO', `${target} could not be locked: ${lockPath} keeps changing hands`);
    } finally {
      await rm(draft, { force: true });
    }
  }

  async release(): Promise<void> {
    const text = await readIfThere(this.#lockPath);
    // Someone who took this process for dead has it now: theirs to remove.
    if (text !== null && parse(text)?.nonce === this.#nonce) await rm(this.#lockPath, { force: true });
  }
}

/** Moves the lock that was read as `text` out of the way; one that has come in its place meanwhile goes back. */
async function putAside(lockPath: string, text: string, aside: string): Promise<void> {
  try {
    await rename(lockPath, aside);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return;
    throw error;
  }
  if ((await readIfThere(aside)) !== text) await tryLink(aside, lockPath);
  await rm(aside, { force: true });
}

async function tryLink(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return false;
    throw error;
  }
}

async function readIfThere(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return null;
    throw error;
  }
}

function held(target: string, lockPath: string, holder: Holder | null, standing: Standing): SluiceError {
  const who = holder === null ? 'an unknown holder' : `process ${String(holder.pid)} on ${holder.host}`;
  const hint =
    standing === 'unknown' ? '; whether it still runs cannot be told from here: if not, remove that file' : '';
  return new SluiceError('DEVICE_IO', `${target} is in use by ${who} (${lockPath})${hint}`, { field: 'path' });
}

function standingOf(holder: Holder, self: Holder): Standing {
  if (holder.host !== self.host) return 'unknown';
  if (holder.boot !== self.boot) return 'gone';
  if (holder.namespace !== self.namespace) return 'unknown';
  if (!isRunning(holder.pid)) return 'gone';
  return holder.started === startTime(holder.pid) ? 'alive' : 'gone';
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It is there and another user's.
    return isErrno(error, 'EPERM');
  }
}

function holderOfThisProcess(): Holder {
  return {
    pid: process.pid,
    started: startTime(process.pid),
    boot: textOf(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()),
    namespace: textOf(() => readlinkSync('/proc/self/ns/pid')),
    host: os.hostname(),
    nonce: randomUUID(),
  };
}

/** Field 22 of /proc/PID/stat (proc(5)), counted behind the name, which may hold spaces. */
function startTime(pid: number): string {
  return textOf(() => {
    const stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  });
}

function textOf(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}

function parse(text: string): Holder | null {
  try {
    const value = JSON.parse(text) as Partial<Holder> | null;
    if (value === null || typeof value.pid !== 'number' || typeof value.nonce !== 'string') return null;
    const { pid, nonce, started = '', boot = '', namespace = '', host = '' } = value;
    return { pid, nonce, started, boot, namespace, host };
  } catch {
    return null;
  }
}

function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === code;
}
