import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { loadConfig, type Config } from '../../../src/app/config.js';
import { SluiceError } from '../../../src/core/model/errors.js';

const folder = mkdtempSync(join(tmpdir(), 'sluice-config-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
function load(yaml: string, environment: Record<string, string> = {}, flags: Record<string, unknown> = {}): Config {
  const file = join(folder, `${String(files++)}.yaml`);
  writeFileSync(file, yaml);
  return loadConfig({ file, environment, flags });
}

function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(SluiceError);
    return (error as SluiceError).message;
  }
  throw new Error('was taken');
}

describe('configuration', () => {
  test('of nothing is the defaults', () => {
    const config = loadConfig({ file: undefined, environment: { PATH: '/bin' }, flags: {} });
    expect(config.listen.grpc).toEqual({ host: '127.0.0.1', port: 50051, loopback: true });
    expect(config).toMatchObject({ store: 'memory', devices: [], graceMs: 10_000, limits: { maxIoBytes: 1_048_576 } });
    expect(Object.isFrozen(config.limits)).toBe(true);
  });

  test('flags beat the environment, that beats the file', () => {
    const yaml = 'listen: { grpc: "127.0.0.1:1", http: "127.0.0.1:2" }\ngrace_ms: 5';
    const environment = { SLUICE_LISTEN_GRPC: '127.0.0.1:3', SLUICE_GRACE_MS: '7' };
    const config = load(yaml, environment, { 'listen.grpc': '127.0.0.1:9' });
    expect(config).toMatchObject({ listen: { grpc: { port: 9 }, http: { port: 2 } }, graceMs: 7 });
  });

  test('of devices, bindings and policies is completed with defaults', () => {
    const config = load(`
bindings: { data: { type: file, path: /tmp/x, create: true, size_bytes: 1048576 } }
devices:
  disk0: { simulation: { kind: hdd, seed: 7 }, depth: 4, fair: { credit: 2 } }
  disk1: { binding: data, unknown_tags: reject }
policies: [{ device: '*', tag: acme/db, shares: 5 }]
`);
    expect(config.devices[0]).toMatchObject({
      name: 'disk0',
      target: { simulation: { kind: 'hdd', seed: 7, blockBytes: 512 } },
      settings: { depth: 4, scheduler: 'fair', fair: { credit: 2, idleResetMs: 1_000 } },
    });
    expect(config.devices[1]).toMatchObject({ target: { binding: 'data' }, settings: { unknownTags: 'reject' } });
    expect(config.policies).toEqual([{ device: '*', tag: 'acme/db', fields: { shares: 5 } }]);
  });

  test('of the NBD door: off unless set, an address or a Unix socket, with TLS', () => {
    expect(load('').listen).toMatchObject({ nbd: null, nbdTls: null });
    const tls = { cert: 'a.pem', key: 'a.key' };
    const { listen } = load('listen: { nbd: "unix:/run/sluice.nbd", nbd_tls: { cert: a.pem, key: a.key } }');
    expect(listen).toMatchObject({ nbd: { path: '/run/sluice.nbd' }, nbdTls: tls });
    expect(load('', { SLUICE_LISTEN_NBD: '[::1]:7' }).listen.nbd).toEqual({ host: '::1', port: 7, loopback: true });
  });

  test('of a store in Redis: the URL without its password, files read, shared bindings allowed', () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-config-'));
    const file = join(folder, 'password');
    writeFileSync(file, 'secret\n');
    const config = load(
      `store: redis://me@h:7/2\nstore_password_file: ${file}\nworkers: 3\nbindings: { b: { type: file, path: x, shared: true } }`,
    );
    rmSync(folder, { recursive: true });
    expect(config).toMatchObject({
      store: 'redis://h:7/2',
      workers: 3,
      redis: { password: 'secret', restoreMs: 3_000 },
    });
    expect(config.redis!.url).toMatchObject({ kind: 'single', user: 'me', db: 2 });
  });

  test.each([
    ['listen: { nbd: "0.0.0.0:1" }', 'listen.nbd must be a loopback address, or listen.insecure true'],
    ['listen: { nbd: "unix:here" }', 'listen.nbd must be unix: and an absolute path of at most 107 bytes'],
    ['listen: { nbd_tls: { cert: a, key: b } }', 'listen.nbd_tls must come with listen.nbd'],
    ['listen: { nbd: "127.0.0.1:0", nbd_tls: { cert: a } }', 'listen.nbd_tls.key'],
    ['limits: { nbd_bytes: 67108863 }', 'limits.nbd_bytes: Too small: expected number to be >=67108864, got 67108863'],
    ['lisen: {}', 'unknown configuration key lisen'],
    ['devices: { d: { simulation: { kind: hdd }, dept: 3 } }', 'unknown configuration key devices.d.dept'],
    ['devices: { d: { simulation: { kind: hdd }, depth: 0 } }', 'devices.d.depth must be an integer 1..65536, got 0'],
    ['devices: { D_: { simulation: { kind: hdd } } }', 'devices.D_ must be [a-z0-9][a-z0-9-]{0,62}, got "D_"'],
    ['devices: { d: {} }', 'devices.d must have either binding or simulation'],
    ['devices: { d: { binding: x } }', 'devices.d.binding must be one of (none configured), got "x"'],
    [
      'devices: { d: { simulation: { kind: tape } } }',
      'devices.d.simulation.kind: expected one of "null"|"hdd"|"ssd", got "tape"',
    ],
    [
      'bindings: { b: { type: file, path: x, direct: maybe } }',
      'bindings.b.direct: Expected boolean, received string, got "maybe"',
    ],
    [
      'bindings: { b: { type: file, path: x, delay: tape } }',
      'bindings.b.delay: expected one of "hdd"|"ssd", got "tape"',
    ],
    ['store: mysql', 'store must be memory or redis://'],
    ['store: "redis://me:secret@h:x"', 'got "redis://h:x"'],
    ['{ store: "redis://h", store_tls: { ca: x } }', 'store_tls must come with a rediss:// store, got redis://h'],
    ['{ store: "redis://h", store_password_file: /nowhere/pw }', 'store_password_file must be a file that can be read'],
    [
      '{ store: "redis://:secret@h", store_password_file: x }',
      'store_password_file must not come with a password in store',
    ],
    ['store_password_file: x', 'store_password_file must come with a Redis store, got store memory'],
    ['store_restore_ms: -1', 'store_restore_ms: Too small'],
    [
      'bindings: { b: { type: file, path: x, shared: true } }',
      'bindings.b.shared must be false with store memory, got true',
    ],
    ['workers: 4', 'workers must be 1 with store memory, got 4: more than one needs a Redis store that they share'],
    ['listen: { grpc: "10.0.0.1:1" }', 'listen.grpc must be a loopback address, or listen.insecure true'],
    ['listen: { grpc: "localhost" }', 'listen.grpc must be HOST:PORT with a port 0..65535, got "localhost"'],
    ['policies: [{ device: d, tag: A, shares: 1 }]', 'policy.tag must be 1 to 8 segments'],
    ['policies: [{ device: d, tag: a, limit_per_s: 1 }]', 'policy.limit_per_s is not enforced yet'],
    ['grace_ms: soon', 'grace_ms: '],
    ['[1, 2]', 'must be a mapping of keys'],
    ['a: [', 'is not YAML'],
  ])('%s is refused: %s', (yaml, message) => {
    expect(refusal(() => load(yaml))).toContain(message);
  });

  test('a variable that is not known, or a file that is not there, is refused', () => {
    expect(refusal(() => load('', { SLUICE_LISTN: '1' }))).toContain('environment variable SLUICE_LISTN is not known');
    expect(refusal(() => loadConfig({ file: join(folder, 'none'), environment: {}, flags: {} }))).toContain(
      'cannot be read',
    );
  });
});
