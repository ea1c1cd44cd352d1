import { appendFileSync, readFileSync, readdirSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LocalDeviceStore } from '../../../src/coordination/local/device-store.js';
import { LocalPolicyStore } from '../../../src/coordination/local/policy-store.js';
import { SavedRecords } from '../../../src/coordination/local/saved-records.js';
import { DEFAULT_SETTINGS } from '../../../src/core/model/device.js';
import { TempFolder } from '../../support/temp-folder.js';

let folder: TempFolder;
let reports: string[];
let lives: SavedRecords[];
beforeEach(() => {
  folder = new TempFolder();
  reports = [];
  lives = [];
});
afterEach(async () => {
  for (const life of lives) await life.close();
  folder[Symbol.dispose]();
});

interface Life {
  readonly saved: SavedRecords;
  readonly policies: LocalPolicyStore;
  readonly devices: LocalDeviceStore;
}

async function start(): Promise<Life> {
  const saved = await SavedRecords.open(folder.path, (message) => reports.push(message));
  lives.push(saved);
  return { saved, policies: new LocalPolicyStore(0, saved), devices: new LocalDeviceStore(0, saved) };
}

const put = (life: Life, tag: string, shares: number, requestId = ''): ReturnType<LocalPolicyStore['write']> =>
  life.policies.write([{ device: '*', tag, fields: { shares }, ifMatch: '' }], requestId);

async function all(life: Life): Promise<[string, number | undefined][]> {
  const { policies } = await life.policies.list({ device: '', prefix: '', after: null, limit: 10_000 });
  return policies.map(({ tag, shares }) => [tag, shares]);
}

const file = (): string => join(folder.path, readdirSync(folder.path).sort().at(-1)!);

describe('saved records', () => {
  it('are there after a restart that nobody announced, with etags, revisions and answers', async () => {
    const first = await start();
    await put(first, 'a', 1);
    const answer = await put(first, 'b', 2, 'request-1');
    await first.policies.write([{ device: '*', tag: 'a', fields: null, ifMatch: '' }], '');
    const device = await first.devices.put(
      { name: 'disk0', target: { binding: 'x' }, settings: DEFAULT_SETTINGS, draining: false },
      '',
    );
    await first.devices.put({ ...device, name: 'gone' }, '');
    await first.devices.delete('gone', '');
    const second = await start();
    expect(await all(second)).toEqual([['b', 2]]);
    expect(await second.devices.list()).toEqual([device]);
    expect(await second.policies.revision()).toBe(await first.policies.revision());
    expect(await put(second, 'b', 2, 'request-1')).toEqual(answer);
    expect([second.saved.knowsPolicy('*', 'a'), second.saved.knowsPolicy('*', 'c')]).toEqual([true, false]);
    expect([second.saved.knowsDevice('gone'), second.saved.knowsDevice('disk1')]).toEqual([true, false]);
    const { revision } = await put(second, 'c', 3);
    expect(revision).toBe((await first.policies.revision()) + 1);
    expect(reports).toEqual([]);
  });

  it('cut off a torn tail and say so', async () => {
    const first = await start();
    await put(first, 'a', 1);
    const sound = statSync(file()).size;
    await put(first, 'b', 2);
    truncateSync(file(), statSync(file()).size - 1);
    const torn = statSync(file()).size - sound;
    const second = await start();
    expect(await all(second)).toEqual([['a', 1]]);
    expect(reports).toEqual([
      `${file()}: the last ${String(torn)} bytes are a record that was not written to its end; cut off`,
    ]);
    await put(second, 'c', 3);
    reports = [];
    expect(await all(await start())).toEqual([
      ['a', 1],
      ['c', 3],
    ]);
    expect(reports).toEqual([]);
  });

  it('keep what is sound around damage, and say where it is, every time', async () => {
    const first = await start();
    await put(first, 'a', 1);
    const from = statSync(file()).size;
    await put(first, 'b', 2);
    const to = statSync(file()).size;
    await put(first, 'c', 3);
    const bytes = readFileSync(file());
    bytes[from + 20] = bytes[from + 20]! ^ 0xff;
    writeFileSync(file(), bytes);
    for (let life = 0; life < 2; life++) {
      reports = [];
      expect(await all(await start())).toEqual([
        ['a', 1],
        ['c', 3],
      ]);
      expect(reports).toEqual([
        `${file()}: bytes ${String(from)} to ${String(to)} are damaged; the records in them are lost`,
      ]);
    }
    appendFileSync(file(), 'nonsense');
    await start();
    expect(reports.at(-1)).toContain('the last 8 bytes');
  });

  it('stay about as long as what they hold, however often it changes', async () => {
    const first = await start();
    const tag = (i: number): string => `tenant/${'x'.repeat(50)}-${String(i % 50)}`;
    const many = Array.from({ length: 400 }, (_, i) => ({ device: '*', tag: tag(i), ifMatch: '' }));
    for (let round = 1; round <= 20; round++) {
      await first.policies.write(
        many.map((each) => ({ ...each, fields: { shares: round } })),
        `round-${String(round)}`,
      );
    }
    const sizes = readdirSync(folder.path).map((name) => statSync(join(folder.path, name)).size);
    expect(sizes.reduce((a, b) => a + b)).toBeLessThan(3_000_000);
    const second = await start();
    expect(await all(second)).toEqual(await all(first));
    expect((await all(second)).length).toBe(50);
    expect((await put(second, 'other', 7, 'round-20')).events).not.toEqual([]);
  });
});
