/** The Debian packages that some tests use as peers: which are absent, what is skipped for it, how to mend it. */
import { spawnSync } from 'node:child_process';
import { run, say } from './ensure.mjs';

const PACKAGES = [
  {
    name: 'python3-grpcio',
    present: () => works('/usr/bin/python3', ['-c', 'import grpc, google.protobuf']),
    skips: 'the Python client against the gRPC door',
  },
  {
    name: 'protobuf-compiler',
    present: () => works('protoc', ['--version']),
    skips: 'the Python programs of the documents',
  },
  {
    name: 'protobuf-compiler-grpc',
    present: () => works('which', ['grpc_python_plugin']),
    skips: 'the Python programs of the documents',
  },
  {
    name: 'fio',
    present: () => works('fio', ['--version']),
    skips: 'reading logs of I/O that fio itself wrote, fio over NBD',
  },
  {
    name: 'mount',
    present: () => works('losetup', ['--version']),
    skips: 'devices on loop devices',
  },
  {
    name: 'e2fsprogs',
    present: () => works('mkfs.ext4', ['-V']),
    skips: 'a full file system',
  },
  {
    name: 'libnbd-bin',
    present: () => works('nbdinfo', ['--version']) && works('nbdcopy', ['--version']),
    skips: 'nbdinfo and nbdcopy against the NBD door',
  },
  {
    name: 'nbdkit',
    present: () => works('nbdkit', ['--version']),
    skips: 'the nbd device over nbdkit',
  },
  {
    name: 'qemu-utils',
    present: () => works('qemu-img', ['--version']) && works('qemu-io', ['--version']),
    skips: 'qemu-img and qemu-io against the NBD door',
  },
  {
    name: 'qemu-system-x86',
    present: () => works('qemu-system-x86_64', ['--version']),
    skips: 'virtual machines',
  },
  {
    name: 'busybox-static',
    present: () => works('busybox', ['true']),
    skips: 'virtual machines',
  },
  {
    name: 'cpio',
    present: () => works('cpio', ['--version']),
    skips: 'virtual machines',
  },
  {
    name: 'lz4',
    present: () => works('lz4', ['--version']),
    skips: 'virtual machines',
  },
  {
    name: 'redis-server',
    present: () => works('redis-server', ['--version']),
    skips: 'all that stands on Redis: stores, coordination of several hosts, the demo with two of them',
  },
  {
    name: 'redis-sentinel',
    present: () => works('redis-sentinel', ['--version']),
    skips: 'failover by Sentinel',
  },
  {
    name: 'faketime',
    present: () => works('faketime', ['-f', '+0', 'true']),
    skips: 'clocks that jump, of hosts and of Redis',
  },
  {
    name: 'chromium',
    present: () => works('/usr/bin/chromium', ['--version']),
    skips: 'the dashboard in a browser',
  },
  {
    name: 'prometheus',
    present: () => works('promtool', ['--version']),
    skips: 'the alert rules, as promtool checks them',
  },
  {
    name: 'systemd',
    present: () => works('systemd-analyze', ['--version']),
    skips: 'the systemd unit, as systemd-analyze checks it',
  },
  {
    name: 'docker-compose',
    present: () => works('docker-compose', ['version']),
    skips: 'the compose file, as docker-compose reads it',
  },
];

function works(command, args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

/** With SLUICE_APT=1 installs what is absent; otherwise says what is skipped. */
export function ensurePackages() {
  let absent = PACKAGES.filter((entry) => !entry.present());
  if (absent.length === 0) return;
  const names = absent.map((entry) => entry.name).join(' ');
  if (process.env.SLUICE_APT === '1') {
    say(`installing Debian packages: ${names}`);
    run('apt-get', ['update', '-qq']);
    run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...absent.map((entry) => entry.name)], {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
    absent = PACKAGES.filter((entry) => !entry.present());
    if (absent.length === 0) return;
    say(`still absent after installing: ${absent.map((entry) => entry.name).join(' ')}`);
    process.exit(1);
  }
  for (const entry of absent) say(`${entry.name} is absent: skipped is ${entry.skips}`);
  say(`to have it all: apt-get update && apt-get install -y ${names}   (or SLUICE_APT=1 npm test)`);
}
