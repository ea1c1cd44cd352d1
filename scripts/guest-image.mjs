/**
 * `node scripts/guest-image.mjs`: makes what a test's virtual machine boots (a kernel and an initramfs)
 * from Debian's packages and prints the folder that they lie in. Nothing is installed and no rights are
 * needed: the kernel's package is fetched and unpacked, busybox and the tools of ext4 are those of this
 * machine, with the libraries that they load. Made once; made anew when its parts change.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { chmodSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { ROOT, say } from './ensure.mjs';

const IMAGES = join(ROOT, 'build', 'vm');
const INIT = join(ROOT, 'test', 'vm', 'init.sh');
/** The newest stock kernel for virtual machines depends on it. */
const KERNEL_OF = 'linux-image-cloud-amd64';
/** In an order that loads. ext4 is part of the kernel. */
const MODULES = [
  ...['virtio_ring', 'virtio', 'virtio_pci_legacy_dev', 'virtio_pci_modern_dev', 'virtio_pci'],
  ...['virtio_blk', 'virtio_console'],
];
/** Where they come from, and what they are called in the guest. */
const PROGRAMS = [
  { from: '/bin/busybox', to: 'busybox' },
  { from: '/sbin/mke2fs', to: 'mkfs.ext4' },
  { from: '/sbin/e2fsck', to: 'fsck.ext4' },
];

/** What the image cannot be made for here; empty where it can. */
function absentForGuests() {
  const absent = PROGRAMS.map(({ from }) => from).filter((file) => !existsSync(file));
  if (process.arch !== 'x64') absent.push('an x86-64 machine');
  for (const command of ['cpio', 'lz4', 'apt-get', 'dpkg']) {
    if (spawnSync(command, ['--version'], { stdio: 'ignore' }).status !== 0) absent.push(command);
  }
  return absent;
}

/** The image for the parts that are here, and whether it is made. */
function guestImage() {
  const hash = createHash('sha256')
    .update(readFileSync(fileURLToPath(import.meta.url)))
    .update(readFileSync(INIT));
  for (const file of PROGRAMS.map(({ from }) => from)) {
    if (existsSync(file)) hash.update(`${file} ${String(statSync(file).mtimeMs)} ${String(statSync(file).size)}`);
  }
  const folder = join(IMAGES, hash.digest('hex').slice(0, 16));
  return { folder, made: existsSync(folder) };
}

/** Makes the image where it is not there. Throws with what is wrong. */
function makeGuestImage() {
  const { folder, made } = guestImage();
  if (made) return folder;
  const absent = absentForGuests();
  if (absent.length > 0) throw new Error(`a guest cannot be made without ${absent.join(', ')}`);
  say('making a guest from the packages of Debian…');
  mkdirSync(IMAGES, { recursive: true });
  const work = mkdtempSync(join(IMAGES, 'making-'));
  try {
    const kernel = unpackKernel(work);
    const image = join(work, 'image');
    mkdirSync(image);
    const boot = join(kernel, 'boot');
    const packed = readdirSync(boot).find((name) => name.startsWith('vmlinuz'));
    writeFileSync(join(image, 'kernel'), unpacked(readFileSync(join(boot, packed))));
    pack(fill(join(work, 'root'), kernel), join(image, 'initrd'));
    for (const name of readdirSync(IMAGES)) {
      if (!name.startsWith('making-') && name !== basename(folder))
        rmSync(join(IMAGES, name), { recursive: true, force: true });
    }
    publish(image, folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return folder;
}

/** Where two make it at once, the first one stands. */
function publish(image, folder) {
  try {
    renameSync(image, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error;
  }
}

function unpackKernel(work) {
  try {
    fetchKernel(work);
  } catch (error) {
    if (process.env.SLUICE_APT !== '1') throw error;
    // The lists of this machine may be absent, or older than what the archive has now.
    output('apt-get', ['update', '-qq'], work);
    fetchKernel(work);
  }
  const unpacked = join(work, 'kernel');
  output('dpkg', ['-x', readdirSync(work).find((name) => name.endsWith('.deb')), unpacked], work);
  return unpacked;
}

function fetchKernel(work) {
  const depends = output('apt-cache', ['depends', KERNEL_OF], work);
  const name = /Depends: (linux-image-\S+)/.exec(depends)?.[1];
  if (name === undefined) throw new Error(`apt knows no kernel by the name of ${KERNEL_OF}; try apt-get update`);
  output('apt-get', ['download', '-qq', name], work);
}

/**
 * The kernel as QEMU starts it by itself (PVH), from a bzImage as Linux's Documentation/arch/x86/boot.rst lays it out:
 * a guest that unpacks it is emulated for another second. As it is where it is packed otherwise than by lz4.
 */
function unpacked(kernel) {
  const start = ((kernel[0x1f1] || 4) + 1) * 512 + kernel.readUInt32LE(0x248);
  const payload = kernel.subarray(start, start + kernel.readUInt32LE(0x24c));
  const sizeBytes = payload.readUInt32LE(payload.length - 4);
  const input = payload.subarray(0, -4);
  const { status, stdout } = spawnSync('lz4', ['-dc'], { input, maxBuffer: sizeBytes + 1 });
  return status === 0 && stdout.length === sizeBytes ? stdout : kernel;
}

/** The root of the guest: one folder of programs, their libraries, the kernel's modules. */
function fill(root, kernel) {
  for (const folder of ['bin', 'dev', 'lib/modules', 'mnt', 'proc', 'sys', 'tmp'])
    mkdirSync(join(root, folder), { recursive: true });
  cpSync(INIT, join(root, 'init'));
  chmodSync(join(root, 'init'), 0o755);
  for (const { from, to } of PROGRAMS) {
    cpSync(realpathSync(from), join(root, 'bin', to));
    for (const library of librariesOf(from)) {
      mkdirSync(join(root, dirname(library)), { recursive: true });
      cpSync(realpathSync(library), join(root, library));
    }
  }
  const modules = join(kernel, 'lib/modules');
  const found = readdirSync(modules, { recursive: true });
  for (const [i, name] of MODULES.entries()) {
    const file = found.find((each) => basename(each) === `${name}.ko`);
    if (file === undefined) throw new Error(`the kernel has no module ${name}`);
    cpSync(join(modules, file), join(root, 'lib/modules', `${String(i)}-${name}.ko`));
  }
  symlinkSync('bin', join(root, 'sbin'));
  return root;
}

/** Nothing for a program that loads none. */
function librariesOf(program) {
  const { status, stdout } = spawnSync('ldd', [program], { encoding: 'utf8' });
  if (status !== 0) return [];
  return [...stdout.matchAll(/(?:=> |^\s*)(\/\S+) \(0x/gm)].map(([, file]) => file);
}

/** Not compressed: unpacking would cost a guest more than reading does. */
function pack(root, file) {
  output('sh', ['-c', 'find . | cpio --quiet -o -H newc > "$1"', 'sh', file], root);
}

function output(command, args, cwd) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr.trim()}`);
  return stdout;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    process.stdout.write(`${makeGuestImage()}\n`);
  } catch (error) {
    say(error.message);
    process.exitCode = 1;
  }
}
