/** Each format: a small sample by hand, what is broken in it, and random records there and back. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TraceFormat } from '../../../src/workload/traces/format.js';
import { checkTraceFormat } from '../../../src/workload/traces/format.js';
import { readTrace } from './read-text.js';
import type { PlainRecord } from './read-text.js';

function vscsi(serial: number, bytes: number, command: number, version: number, block: bigint, us: bigint): Buffer {
  const record = Buffer.alloc(32);
  record.writeUInt32LE(serial, 0);
  record.writeUInt32LE(bytes, 4);
  record.writeUInt32LE(1, 8);
  record.writeUInt16LE(command, 12);
  record.writeUInt16LE(version << 8, 14);
  record.writeBigUInt64LE(block, 16);
  record.writeBigUInt64LE(us, 24);
  return record;
}

const SAMPLES: { format: TraceFormat; content: string | Uint8Array; records: PlainRecord[] }[] = [
  {
    format: 'blkreplay',
    content:
      'Some header 1 ; 2\n\nstart ; sector; length ; op ;  replay_delay=0 ; replay_duration=0\n' +
      '      0.000000000 ;    481999264 ;   16 ; R ; 0.0 ; 0.0\n' +
      '      1.000023289 ;    8 ;   8 ; RA ; 0.0 ; 0.0\r\n' +
      '   3600.949630130 ;    548097200 ;  128 ; W ; 0.0 ; 0.0',
    records: [
      { ns: 0, device: '0', op: 'READ', offset: 481999264 * 512, bytes: 8192 },
      { ns: 1_000_023_289, device: '0', op: 'READ', offset: 4096, bytes: 4096 },
      { ns: 3_600_949_630_130, device: '0', op: 'WRITE', offset: 548097200 * 512, bytes: 65536 },
    ],
  },
  {
    format: 'disksim',
    content: '938513000 4 264719034 16 0\n938828000\t13 8 1 1\n',
    records: [
      { ns: 0, device: '4', op: 'WRITE', offset: 264719034 * 512, bytes: 8192 },
      { ns: 315_000, device: '13', op: 'READ', offset: 4096, bytes: 512 },
    ],
  },
  {
    format: 'msr',
    content:
      '128166372003061629,usr,0,Read,7014609920,24576,41286\n128166372016382155,usr,0,Write,1317441536,8192,1963\n' +
      '128166372026382245,web,2,read,0,4096,1\n',
    records: [
      { ns: 0, device: 'usr.0', op: 'READ', offset: 7014609920, bytes: 24576 },
      { ns: 1_332_052_600, device: 'usr.0', op: 'WRITE', offset: 1317441536, bytes: 8192 },
      { ns: 2_332_061_600, device: 'web.2', op: 'READ', offset: 0, bytes: 4096 },
    ],
  },
  {
    format: 'tencent',
    content: '1538323200,12910952,128,0,1063\n1538323201,6,8,1,1\n',
    records: [
      { ns: 0, device: '1063', op: 'READ', offset: 12910952 * 512, bytes: 65536 },
      { ns: 1e9, device: '1', op: 'WRITE', offset: 3072, bytes: 4096 },
    ],
  },
  {
    format: 'alibaba',
    content: '419,W,8792731648,16384,1577808144360767\n725,R,59110326272,360448,1577808144360813\n',
    records: [
      { ns: 0, device: '419', op: 'WRITE', offset: 8792731648, bytes: 16384 },
      { ns: 46_000, device: '725', op: 'READ', offset: 59110326272, bytes: 360448 },
    ],
  },
  {
    format: 'fio',
    content:
      'fio version 2 iolog\n/dev/sda add\n/dev/sda open\n/dev/sda read 0 4096\n/dev/sda wait 1500 0\n' +
      '/dev/sda wait 99\n/dev/sda write 8192 512\n/dev/sda datasync 0 0\n/dev/sdb trim 0 65536\n/dev/sda close\n',
    records: [
      { ns: 0, device: '/dev/sda', op: 'READ', offset: 0, bytes: 4096 },
      { ns: 1_500_000, device: '/dev/sda', op: 'WRITE', offset: 8192, bytes: 512 },
      { ns: 1_500_000, device: '/dev/sda', op: 'FLUSH', offset: 0, bytes: 0 },
      { ns: 1_500_000, device: '/dev/sdb', op: 'TRIM', offset: 0, bytes: 65536 },
    ],
  },
  {
    format: 'fio',
    content:
      'fio version 3 iolog\n0 /dev/sda add\n2 /dev/sda open\n872 /dev/sda write 0 16384\n10001677 /dev/sda sync 0 0\n' +
      '10001680 /dev/sda close\n',
    records: [
      { ns: 0, device: '/dev/sda', op: 'WRITE', offset: 0, bytes: 16384 },
      { ns: 10_000_805_000, device: '/dev/sda', op: 'FLUSH', offset: 0, bytes: 0 },
    ],
  },
  {
    format: 'vscsi',
    content: Buffer.concat([
      vscsi(1, 4096, 0x28, 1, 8n, 1_600_000_000_000_000n),
      vscsi(2, 0, 0x00, 1, 0n, 1_600_000_000_000_001n),
      vscsi(3, 65536, 0x8a, 1, 2n ** 33n, 1_600_000_001_000_002n),
    ]),
    records: [
      { ns: 0, device: '0', op: 'READ', offset: 4096, bytes: 4096 },
      { ns: 1_000_002_000, device: '0', op: 'WRITE', offset: 2 ** 42, bytes: 65536 },
    ],
  },
];

describe('trace formats', () => {
  it.each(SAMPLES)('$format is told from its content and read', async ({ format, content, records }) => {
    for (const chunkBytes of [7, 33, 1_000]) {
      const read = await readTrace(content, { strict: true }, chunkBytes);
      expect(read.reader.format).toBe(format);
      expect(read.records).toEqual(records);
      expect(read.reader.records).toBe(records.length);
    }
  });

  it.each([
    [
      'blkreplay',
      '0.1 ; 8 ; 8 ; R ; 0 ; 0\nrubbish\n0.2 ; 8 ; x ; R ; 0 ; 0\n0.3 ; 8 ; 8 ; Q ;\n',
      3,
      2,
      'start must be',
    ],
    ['blkreplay', '0.1 ; 8 ; 8 ; R ; 0 ; 0\n0.2 ; 8 ; 0 ; R ; 0 ; 0\n', 1, 2, 'length must be 1 or more, got 0'],
    [
      'blkreplay',
      '0.1 ; 8 ; 8 ; R ; 0 ; 0\n0.2 ; 8 ; 9000000 ; R ; 0 ; 0\n',
      1,
      2,
      'length must be at most 4294967295 bytes',
    ],
    ['disksim', '1 0 0 8 1\n2 0 0 8 7\n', 1, 2, 'type must be 0 (write) or 1 (read), got 7'],
    ['disksim', '1 0 0 8 1\n2 0 -8 8 1\n', 1, 2, 'start sector must be a whole number, got "-8"'],
    ['disksim', '1 0 0 8 1\n2 0 0 8 1 1\n', 1, 2, 'type must be a whole number'],
    [
      'msr',
      '128166372003061629,usr,0,Read,0,4096,1\n1,usr,0,Erase,0,4096,1\n',
      1,
      2,
      'type must be Read or Write, got "Erase"',
    ],
    ['msr', '128166372003061629,usr,0,Read,0,4096,1\nx,usr,0,Read,0,4096,1\n', 1, 2, 'timestamp must be 100 ns ticks'],
    ['tencent', '1,0,8,0,1\n2,0,8,2,1\n', 1, 2, 'type must be 0 (read) or 1 (write), got 2'],
    ['alibaba', '1,R,0,4096,1\n1,Z,0,4096,2\n', 1, 2, 'opcode must be R or W, got "Z"'],
    [
      'fio',
      'fio version 2 iolog\nf read 0 512\nf erase 0 512\n',
      1,
      3,
      'action must be read, write, trim, sync, datasync or wait',
    ],
    [
      'fio',
      'fio version 3 iolog\n0 f read 0 512\n1 f wait 5 0\n',
      1,
      3,
      'action must be read, write, trim, sync or datasync',
    ],
    ['fio', 'fio version 2 iolog\nf read 0 512\nf read 99999999999999999 512\n', 1, 3, 'offset must be a whole number'],
  ] as const)('%s: broken lines are counted and the first one named', async (format, text, broken, line, reason) => {
    const { reader, records } = await readTrace(text);
    expect(reader.format).toBe(format);
    expect(records).toHaveLength(1);
    expect(reader.broken).toBe(broken);
    expect(reader.firstBroken?.line).toBe(line);
    expect(reader.firstBroken?.reason).toContain(reason);
    await expect(readTrace(text, { strict: true })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining(`sample: line ${String(line)} is broken: `) as string,
    });
  });

  it('vscsi: a record of another version and one cut short are broken', async () => {
    const good = vscsi(1, 4096, 0x28, 1, 8n, 5n);
    const { reader } = await readTrace(Buffer.concat([good, vscsi(2, 4096, 0x28, 2, 8n, 6n), good.subarray(0, 9)]));
    expect(reader.records).toBe(1);
    expect(reader.broken).toBe(2);
    expect(reader.firstBroken).toEqual({ line: 2, reason: 'version must be 1, got 2' });
  });

  it('refuses content of no known format, and a line that never ends', async () => {
    await expect(readTrace('hello\nworld\n')).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('name one of blkreplay, disksim, msr, tencent, alibaba, fio, vscsi') as string,
    });
    await expect(readTrace('9'.repeat(3_000_000), { format: 'disksim' }, 500_000)).rejects.toMatchObject({
      message: expect.stringContaining('line 1 must be at most 1048576 bytes') as string,
    });
    expect(() => checkTraceFormat('csv')).toThrow('--format must be one of blkreplay');
  });

  it('takes the format that it is told, whatever the content', async () => {
    const { reader } = await readTrace('1,0,8,0,1\n', { format: 'alibaba' });
    expect(reader).toMatchObject({ format: 'alibaba', records: 0, broken: 1 });
  });

  it('skips a header line of the CSV formats', async () => {
    const msr = 'Timestamp,Hostname,DiskNumber,Type,Offset,Size,ResponseTime\n128166372003061629,usr,0,Read,0,4096,1\n';
    expect((await readTrace(msr)).reader).toMatchObject({ format: 'msr', records: 1, broken: 0 });
    const alibaba = 'device_id,opcode,offset,length,timestamp\n1,R,0,4096,1\n';
    expect((await readTrace(alibaba)).reader).toMatchObject({ format: 'alibaba', records: 1, broken: 0 });
  });

  it('collapses repeats within the window, and only those', async () => {
    const line = (s: string, sector = 8, op = 'R'): string => `${s} ; ${String(sector)} ; 8 ; ${op} ; 0 ; 0\n`;
    const text =
      line('0.0') + line('0.0005') + line('0.0006', 8, 'W') + line('0.0007', 16) + line('0.0014') + line('0.0025');
    const { reader, records } = await readTrace(text, { collapseMs: 1 });
    expect(records.map(({ ns }) => ns)).toEqual([0, 600_000, 700_000, 2_500_000]);
    expect(reader.collapsed).toBe(2);
    expect((await readTrace(text)).records).toHaveLength(6);
  });
});

/** How a record is written in each text format that can hold it exactly. */
const WRITE: Record<string, (r: PlainRecord) => string> = {
  blkreplay: (r) => {
    const s = `${String(Math.floor(r.ns / 1e9))}.${String(r.ns % 1e9).padStart(9, '0')}`;
    return `${s} ; ${String(r.offset / 512)} ; ${String(r.bytes / 512)} ; ${r.op[0]!} ; 0.0 ; 0.0`;
  },
  disksim: (r) =>
    `${String(r.ns)} ${r.device} ${String(r.offset / 512)} ${String(r.bytes / 512)} ${r.op === 'READ' ? '1' : '0'}`,
  msr: (r) => {
    const ticks = 128166372003061629n + BigInt(r.ns / 100);
    return `${String(ticks)},h,${r.device},${r.op === 'READ' ? 'Read' : 'Write'},${String(r.offset)},${String(r.bytes)},7`;
  },
  alibaba: (r) =>
    `${r.device},${r.op[0]!},${String(r.offset)},${String(r.bytes)},${String(1577808144360767 + r.ns / 1000)}`,
  tencent: (r) =>
    `${String(1538323200 + r.ns / 1e9)},${String(r.offset / 512)},${String(r.bytes / 512)},${r.op === 'READ' ? '0' : '1'},${r.device}`,
  fio: (r) => `${String(r.ns / 1000)} ${r.device} ${r.op.toLowerCase()} ${String(r.offset)} ${String(r.bytes)}`,
};

describe.each(Object.keys(WRITE))('%s, there and back', (format) => {
  const grainNs = format === 'tencent' ? 1e9 : 1e3;
  const records = fc.array(
    fc.record({
      gap: fc.nat({ max: 50_000 }),
      device: format === 'blkreplay' ? fc.constant('0') : fc.nat({ max: 20 }).map(String),
      op: fc.constantFrom('READ', 'WRITE'),
      sector: fc.nat({ max: 2 ** 40 }),
      sectors: fc.integer({ min: 1, max: 4_096 }),
    }),
    { minLength: 1, maxLength: 60 },
  );

  it('gives the same records at any size of chunk', async () => {
    await fc.assert(
      fc.asyncProperty(
        records,
        fc.integer({ min: 1, max: 200 }),
        fc.constantFrom('\n', '\r\n'),
        async (list, chunk, eol) => {
          let ns = 0;
          const expected = list.map((r, i): PlainRecord => {
            if (i > 0) ns += r.gap * grainNs;
            return { ns, device: r.device, op: r.op, offset: r.sector * 512, bytes: r.sectors * 512 };
          });
          const header = format === 'fio' ? `fio version 3 iolog${eol}` : '';
          const text = header + expected.map((r) => WRITE[format]!(r) + eol).join('');
          const { reader, records: read } = await readTrace(text, { strict: true }, chunk);
          expect(reader.format).toBe(format);
          expect(read).toEqual(expected.map((r) => (format === 'msr' ? { ...r, device: `h.${r.device}` } : r)));
        },
      ),
      { numRuns: 60 },
    );
  });
});
