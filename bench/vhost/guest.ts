/**
 * A virtual machine to measure with: the image that tests boot, under emulation, with disks of the
 * caller's. Takes commands by the protocol of its init (test/vm/init.sh), one at a time.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const IMAGE = fileURLToPath(new URL('../../../scripts/guest-image.mjs', import.meta.url));

export class MeasuredGuest {
  readonly #child: ChildProcess;
  readonly #port: Socket;
  #answer: ((line: string) => void) | null = null;
  #commands = 0;

  private constructor(child: ChildProcess, port: Socket) {
    this.#child = child;
    this.#port = port;
  }

  /** Resolves when it takes commands. Its memory can be shared. @param folder for the socket of its port */
  static async boot(folder: string, args: readonly string[]): Promise<MeasuredGuest> {
    const image = execFileSync(process.execPath, [IMAGE], { encoding: 'utf8' }).trim();
    const path = join(folder, 'port');
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(path, resolve));
    const connected = new Promise<Socket>((resolve) => server.once('connection', resolve));
    const child = spawn(
      'qemu-system-x86_64',
      [
        ...['-accel', 'tcg', '-m', '192M', '-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
        ...['-object', 'memory-backend-memfd,id=memory,size=192M,share=on', '-numa', 'node,memdev=memory'],
        ...['-kernel', join(image, 'kernel'), '-initrd', join(image, 'initrd'), '-append', 'quiet panic=-1'],
        ...['-chardev', `socket,id=port,path=${path}`, '-device', 'virtio-serial-pci'],
        ...['-device', 'virtserialport,chardev=port', ...args],
      ],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    );
    const ended = new Promise<never>((_, reject) => {
      child.once('exit', (status) => reject(new Error(`QEMU ended with ${String(status)}`)));
    });
    // Once it is up its end is somebody else's wish.
    ended.catch(() => undefined);
    const guest = new MeasuredGuest(child, await Promise.race([connected, ended]));
    server.close();
    const ready = new Promise<string>((resolve) => (guest.#answer = resolve));
    guest.#port.on('error', () => guest.#port.destroy());
    createInterface({ input: guest.#port }).on('line', (line) => guest.#answer?.(line));
    await Promise.race([ready, ended]);
    return guest;
  }

  /** How long the command took, in seconds. */
  async time(command: string): Promise<number> {
    const answered = new Promise<string>((resolve) => (this.#answer = resolve));
    const from = process.hrtime.bigint();
    this.#port.write(`${String(this.#commands++)} ${Buffer.from(command).toString('base64')}\n`);
    const [, status, output = ''] = (await answered).split(' ');
    const seconds = Number(process.hrtime.bigint() - from) / 1e9;
    if (status !== '0') throw new Error(`in the guest: ${command}\n${Buffer.from(output, 'base64').toString()}`);
    return seconds;
  }

  end(): void {
    this.#child.kill('SIGKILL');
    this.#port.destroy();
  }
}
