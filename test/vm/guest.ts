/**
 * Virtual machines under test: boots them, runs commands in them, ends them.
 *
 *   await using guest = await Guest.boot({ disks: ['nbd://127.0.0.1:10809/disk0@acme/db'] });
 *   await guest.run('dd if=/dev/vda of=/dev/null bs=4k count=10 iflag=direct');
 *
 * A guest is emulated (no rights and no virtualization of the machine are needed) and is up in a few
 * seconds. What it has: busybox, mkfs.ext4, fsck.ext4, virtio (scripts/guest-image.mjs). It has no network
 * and no disk but those asked for. Commands go over a port of its own, a Unix socket on this side; when this
 * process ends the socket does too and the guest turns itself off.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ROOT } from '../support/service.js';

const QEMU = 'qemu-system-x86_64';
const BOOT_MS_MAX = 60_000;
const COMMAND_MS_MAX = 60_000;
const CONSOLE_CHARS_SHOWN = 4_096;

export interface GuestOptions {
  /** What QEMU opens as raw disks, as `nbd://…` or a path: /dev/vda, /dev/vdb, … in the guest. */
  readonly disks?: readonly string[];
  /** More arguments of QEMU, such as other devices. */
  readonly args?: readonly string[];
  readonly memoryMib?: number;
  /** Its memory can be shared with another process by descriptor, as vhost-user devices need it. */
  readonly sharedMemory?: boolean;
}

/** How a command ended, and all that it printed, both streams as one. */
export interface CommandEnd {
  readonly status: number;
  readonly output: string;
}

/** Where the kernel and the initramfs lie: made where they are not there. null where they cannot be. */
const image = spawnSync(QEMU, ['--version'], { stdio: 'ignore' }).status === 0 ? imageFolder() : null;
export const canBoot = image !== null;

function imageFolder(): string | null {
  const made = spawnSync(process.execPath, [join(ROOT, 'scripts', 'guest-image.mjs')], { encoding: 'utf8' });
  if (made.status === 0) return made.stdout.trim();
  // Where everything is to be tested, nothing is skipped.
  if (process.env['SLUICE_APT'] === '1') throw new Error(made.stderr);
  process.stderr.write(`no virtual machines: ${made.stderr}`);
  return null;
}

interface Waiting {
  readonly resolve: (end: CommandEnd) => void;
  readonly reject: (error: Error) => void;
}

export class Guest implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #ended: Promise<void>;
  readonly #waiting = new Map<number, Waiting>();
  #port: Socket | null = null;
  #commands = 0;
  #said = '';

  private constructor(folder: string, args: readonly string[]) {
    this.#folder = folder;
    this.#child = spawn(QEMU, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const keep = (chunk: Buffer): void => {
      this.#said = (this.#said + chunk.toString()).slice(-16 * CONSOLE_CHARS_SHOWN);
    };
    this.#child.stdout!.on('data', keep);
    this.#child.stderr!.on('data', keep);
    this.#ended = new Promise((resolve) => {
      this.#child.once('error', (error) => {
        this.#said += error.message;
        resolve();
      });
      this.#child.once('close', () => resolve());
    });
    void this.#ended.then(() => this.#failAll('the guest has ended'));
  }

  /** Resolves when it takes commands. */
  static async boot(options: GuestOptions = {}): Promise<Guest> {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-guest-'));
    const path = join(folder, 'port');
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(path, resolve));
    const guest = new Guest(folder, qemuArguments(options, path));
    try {
      await guest.#within(BOOT_MS_MAX, 'booting', guest.#ready(server));
      return guest;
    } catch (error) {
      await guest.kill();
      throw error;
    } finally {
      server.close();
    }
  }

  /** What its console and QEMU have printed, the end of it. */
  get console(): string {
    return this.#said.slice(-CONSOLE_CHARS_SHOWN);
  }

  /** Runs a command of its shell; resolves with what that printed, rejects where it fails. Several may run at once. */
  async run(command: string, timeoutMs = COMMAND_MS_MAX): Promise<string> {
    const { status, output } = await this.attempt(command, timeoutMs);
    if (status !== 0) throw new Error(`in the guest: ${command}\nended with ${status}:\n${output}\n${this.console}`);
    return output;
  }

  /** The same, failed or not. */
  attempt(command: string, timeoutMs = COMMAND_MS_MAX): Promise<CommandEnd> {
    const id = this.#commands++;
    const answered = new Promise<CommandEnd>((resolve, reject) => {
      if (this.#port === null) reject(this.#failure('the guest has ended'));
      else {
        this.#waiting.set(id, { resolve, reject });
        this.#port.write(`${id} ${Buffer.from(command).toString('base64')}\n`);
      }
    });
    return this.#within(timeoutMs, command, answered);
  }

  /** Ends it as a power cut would; nothing of it is left. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
    this.#port?.destroy();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }

  #ready(server: Server): Promise<void> {
    return new Promise((resolve, reject) => {
      void this.#ended.then(() => reject(this.#failure('QEMU ended')));
      server.once('connection', (port: Socket) => {
        const lines = createInterface({ input: port });
        // A killed QEMU resets what it had not read; that it has ended is told by itself.
        lines.on('error', () => port.destroy());
        lines.on('line', (line) => {
          if (line !== 'ready') this.#answered(line);
          else {
            this.#port = port;
            resolve();
          }
        });
      });
    });
  }

  #answered(line: string): void {
    const [id, status, output = ''] = line.split(' ');
    const waiting = this.#waiting.get(Number(id));
    this.#waiting.delete(Number(id));
    waiting?.resolve({ status: Number(status), output: Buffer.from(output, 'base64').toString() });
  }

  #failAll(why: string): void {
    this.#port = null;
    for (const { reject } of this.#waiting.values()) reject(this.#failure(why));
    this.#waiting.clear();
  }

  #failure(why: string): Error {
    return new Error(`${why}; its console:\n${this.console}`);
  }

  async #within<T>(ms: number, what: string, work: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(this.#failure(`${what}: not done in ${ms} ms`)), ms);
    });
    try {
      return await Promise.race([work, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Several guests, booted beside each other and ended together. */
export class Guests implements AsyncDisposable {
  readonly all: readonly Guest[];

  private constructor(all: readonly Guest[]) {
    this.all = all;
  }

  static async boot(...options: readonly GuestOptions[]): Promise<Guests> {
    const boots = await Promise.allSettled(options.map((each) => Guest.boot(each)));
    const guests = new Guests(boots.flatMap((boot) => (boot.status === 'fulfilled' ? [boot.value] : [])));
    const failed = boots.find((boot) => boot.status === 'rejected');
    if (failed === undefined) return guests;
    await guests[Symbol.asyncDispose]();
    throw failed.reason;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.all.map((guest) => guest.kill()));
  }
}

function qemuArguments(options: GuestOptions, port: string): string[] {
  const { disks = [], args = [], memoryMib = 192, sharedMemory = false } = options;
  if (image === null) throw new Error('there is no image to boot');
  const size = `${memoryMib}M`;
  return [
    ...['-accel', 'tcg', '-m', size, '-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
    // With randomness from its start: mkfs has to wait for it, four seconds long, in a guest that has none.
    ...['-cpu', 'qemu64,+rdrand'],
    ...(sharedMemory ? ['-object', `memory-backend-memfd,id=memory,size=${size},share=on`] : []),
    ...(sharedMemory ? ['-numa', 'node,memdev=memory'] : []),
    ...['-kernel', join(image, 'kernel'), '-initrd', join(image, 'initrd')],
    // Emulated, it need not beware of its processor, nor try its ciphers: another second.
    ...['-append', 'console=ttyS0 quiet panic=-1 mitigations=off cryptomgr.notests', '-serial', 'stdio'],
    ...['-chardev', `socket,id=port,path=${port}`],
    ...['-device', 'virtio-serial-pci', '-device', 'virtserialport,chardev=port'],
    ...disks.flatMap((disk) => ['-drive', `file=${disk},format=raw,if=virtio,cache=none`]),
    ...args,
  ];
}
