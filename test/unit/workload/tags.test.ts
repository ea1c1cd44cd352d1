/** How trace files become tags, and what is said of files that are none. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isTag } from '../../../src/core/model/tag.js';
import { fileTag, loadTraces } from '../../../src/workload/traces/load.js';
import type { LoadedTraces, TagBy } from '../../../src/workload/traces/load.js';
import { traceBytes } from '../../../src/workload/traces/source.js';

const MSR = '128166372003061629,USR,0,Read,0,4096,1\n128166372013061629,USR,1,Write,0,8192,1\n';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'sluice-traces-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string | Uint8Array): string {
  const full = path.join(folder, name);
  writeFileSync(full, content);
  return full;
}

async function load(paths: string[], tagBy: TagBy = 'file', strict = false): Promise<LoadedTraces> {
  return loadTraces(
    paths.map((name) => ({ name, bytes: traceBytes(name) })),
    { tagBy, limit: 0, strict },
  );
}

describe('tags of traces', () => {
  it.each([
    ['linux-webserver-2.load.gz', 'linux-webserver-2'],
    ['/data/Web Server (2).csv', 'web-server-2-'],
    ['tpcc-small.trace', 'tpcc-small'],
    ['cap.1', 'cap.1'],
    ['.hidden', 'hidden'],
    ['ÄÖ.csv.gz', 'trace'],
    [`${'x'.repeat(90)}.csv`, 'x'.repeat(63)],
  ])('%s is %s', (name, tag) => {
    expect(fileTag(name)).toBe(tag);
    expect(isTag(tag)).toBe(true);
  });

  it('a tag a file, a device, a volume', async () => {
    const one = file('week1.csv', MSR);
    expect((await load([one])).tags.map(({ tag }) => tag)).toEqual(['week1']);
    expect((await load([one], 'device')).tags.map(({ tag }) => tag)).toEqual(['week1/usr.0', 'week1/usr.1']);
    const fio = file('job.iolog', 'fio version 2 iolog\n/dev/nvme0n1 read 0 4096\n');
    expect((await load([fio], 'device')).tags.map(({ tag }) => tag)).toEqual(['job/dev/nvme0n1']);
  });

  it('one volume over two files is one tag, with the time between them', async () => {
    const first = file('part-0.csv', '5,R,0,4096,1000000\n6,R,0,4096,1000000\n');
    const second = file('part-1.csv', '5,W,4096,4096,3000000\n');
    const { tags } = await load([first, second], 'volume');
    expect(tags.map(({ tag, columns }) => [tag, columns.count])).toEqual([
      ['5', 2],
      ['6', 1],
    ]);
    expect([...tags[0]!.columns.timeNs.slice(0, 2)]).toEqual([0, 2e9]);
  });

  it('two files of one name are two tags', async () => {
    const disksim = '1 0 0 8 1\n';
    const { tags } = await load([file('a.trace', disksim), file('a.txt', disksim)]);
    expect(tags.map(({ tag }) => tag)).toEqual(['a', 'a-2']);
  });

  it('reads gzip whatever the name says, and says what is wrong with a file', async () => {
    expect((await load([file('packed', gzipSync(MSR))])).tags[0]!.columns.count).toBe(2);
    const failed = async (name: string, content: string | Uint8Array): Promise<unknown> =>
      load([file(name, content)]).then(
        () => null,
        (error: unknown) => error,
      );
    await expect(load([path.join(folder, 'none')])).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(load([folder])).rejects.toMatchObject({ message: expect.stringContaining('is a folder') as string });
    expect(await failed('z.zst', Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0))).toMatchObject({ code: 'UNSUPPORTED' });
    expect(await failed('cut.gz', gzipSync(MSR.repeat(99)).subarray(0, 60))).toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('damaged gzip data') as string,
    });
    expect(await failed('empty', '')).toMatchObject({
      message: expect.stringContaining('at least one record') as string,
    });
    expect(await failed('bad.fio', 'fio version 2 iolog\nf erase 1 2\n')).toMatchObject({
      message: expect.stringContaining('got 1 broken lines and none; line 2: action must be') as string,
    });
  });
});
