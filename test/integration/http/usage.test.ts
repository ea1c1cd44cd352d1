import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HttpRig } from '../../support/http-rig.js';

let rig: HttpRig;
beforeEach(async () => {
  rig = await HttpRig.start();
});
afterEach(() => rig[Symbol.asyncDispose]());

interface Row {
  tag: string;
  ops: { op: string; count: string; bytes: string }[];
  queueUs: number[];
}

async function rows(query: string): Promise<Row[]> {
  return (await rig.call('GET', `/v1/usage?${query}`)).json!['rows'] as Row[];
}

describe('usage over HTTP', () => {
  it('gives what was served, grouped, ordered and cut', async () => {
    rig.serve('acme/db', 3);
    rig.serve('acme/web', 1);
    rig.serve('beta', 5);
    expect((await rows('')).map((row) => [row.tag, row.ops[0]])).toMatchObject([
      ['acme/db', { op: 'OP_READ', count: '3', bytes: '12288' }],
      ['acme/web', { count: '1' }],
      ['beta', { count: '5' }],
    ]);
    expect((await rows('groupLevel=1&orderBy=ops')).map((row) => row.tag)).toEqual(['beta', 'acme']);
    expect((await rows('orderBy=cost&topN=1')).map((row) => row.tag)).toEqual(['beta']);
    expect((await rows('tagPrefix=acme&device=disk0')).map((row) => row.tag)).toEqual(['acme/db', 'acme/web']);
    const [row] = await rows('quantiles=0.5,.99&tagPrefix=beta');
    expect(row!.queueUs.map((us) => Math.abs(us / 20 - 1) < 1 / 32)).toEqual([true, true]);
    const toMs = (Math.floor(Date.now() / 60_000) + 1) * 60_000;
    const stepped = await rows(`fromMs=${String(toMs - 600_000)}&toMs=${String(toMs)}&stepMs=1000&tagPrefix=beta`);
    expect(stepped.reduce((sum, { ops }) => sum + Number(ops[0]!.count), 0)).toBe(5);
  });

  it('gives the same as comma-separated values', async () => {
    rig.serve('acme/db', 2);
    const { text } = await rig.call('GET', '/v1/usage.csv?quantiles=0.5');
    const [header, line, end] = text.split('\r\n');
    const values = line!.split(',');
    const named = Object.fromEntries(header!.split(',').map((name, i) => [name, values[i]]));
    expect(named).toMatchObject({ device: 'disk0', tag: 'acme/db', op: 'READ', count: '2', bytes: '8192', cost: '2' });
    expect(named).toHaveProperty('queue_us_q0.5');
    expect(values).toHaveLength(header!.split(',').length);
    expect(end).toBe('');
  });

  it('makes a CSV as it is read, without gathering it', async () => {
    for (let i = 0; i < 100_000; i++) rig.serve(`tenant-${String(i % 7)}/app-${String(i)}`);
    const { usage } = rig.assembled;
    const query = usage.query.bind(usage);
    let parts = 0;
    usage.query = async (asked) => {
      const answer = await query(asked);
      return (async function* () {
        for await (const part of answer) {
          parts += 1;
          yield part;
        }
      })();
    };
    const res = await fetch(`${rig.base}/v1/usage.csv?quantiles=.1,.2,.3,.4,.5,.6,.7,.8`);
    const reader = (res.body as ReadableStream<Uint8Array>).getReader();
    // Nobody reads: what is made fills the sockets, and then no more is.
    for (let before = -1; before !== parts;) {
      before = parts;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    expect(parts).toBeLessThan(100);
    let lines = 0;
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      for (const byte of value) if (byte === 10) lines += 1;
    }
    expect([lines, parts]).toEqual([100_001, 100]);
  });

  it('names a tag that nobody ever used', async () => {
    const { json } = await rig.call('GET', '/v1/usage?tagPrefix=nobody');
    expect(json).toMatchObject({ status: 404, code: 'NOT_FOUND', field: 'tagPrefix' });
  });

  it('lists tags in pages', async () => {
    for (const tag of ['c', 'a', 'b']) rig.serve(tag);
    const first = await rig.call('GET', '/v1/tags?pageSize=2');
    expect((first.json!['tags'] as Row[]).map((tag) => tag.tag)).toEqual(['a', 'b']);
    const rest = await rig.call('GET', `/v1/tags?pageToken=${String(first.json!['nextPageToken'])}`);
    expect((rest.json!['tags'] as Row[]).map((tag) => tag.tag)).toEqual(['c']);
    const elsewhere = await rig.call('GET', `/v1/policies?pageToken=${String(first.json!['nextPageToken'])}`);
    expect(elsewhere.json).toMatchObject({ status: 400, field: 'pageToken' });
  });

  it.each([
    ['fromMs=1&toMs=2000', 'fromMs'],
    ['fromMs=2000&toMs=2000', 'toMs'],
    ['fromMs=2000&toMs=1000', 'toMs'],
    ['stepMs=1000', 'stepMs'],
    ['stepMs=7&fromMs=0&toMs=7', 'stepMs'],
    ['fromMs=-1', 'fromMs'],
    ['fromMs=1e3&toMs=2000', 'fromMs'],
    ['fromMs=60000&toMs=3660000&stepMs=60000', 'fromMs'],
    ['fromMs=3600000&toMs=720000000000000&stepMs=3600000', 'toMs'],
    ['groupLevel=9', 'groupLevel'],
    ['orderBy=name', 'orderBy'],
    ['apart=acme/db,', 'apart[1]'],
    ['quantiles=1', 'quantiles'],
    ['quantiles=0.5,', 'quantiles'],
    [`quantiles=${Array(17).fill('0.5').join(',')}`, 'quantiles'],
    ['device=Disk', 'device'],
    ['tagPrefix=a//b', 'tagPrefix'],
    ['topN=99999999999', 'topN'],
    ['tagPrefix=a&tagPrefix=b', 'tagPrefix'],
  ])('refuses %s, naming %s', async (query, field) => {
    const { json } = await rig.call('GET', `/v1/usage?${query}`);
    expect(json).toMatchObject({ status: 400, field });
    expect((json as { detail: string }).detail).toContain(field);
  });

  it('counts for a collector, with bounded labels', async () => {
    rig.serve('acme/db', 3);
    const { text } = await rig.call('GET', '/metrics');
    expect(text).toContain('sluice_io_operations_total{device="disk0",tag="acme/db",op="read"} 3');
    expect(text).toContain('sluice_io_bytes_total{device="disk0",tag="acme/db",op="read"} 12288');
    expect(text).toMatch(/sluice_io_service_seconds_total\{device="disk0",tag="acme\/db",op="read"\} 0\.00024/);
    expect(text).toContain('# TYPE sluice_io_service_latency_seconds histogram');
    expect(text).toContain(
      'sluice_io_service_latency_seconds_bucket{le="0.000131072",device="disk0",tag="acme/db"} 3\n',
    );
    expect(text).toContain(
      'sluice_io_service_latency_seconds_bucket{le="0.000065536",device="disk0",tag="acme/db"} 0\n',
    );
    expect(text).toContain('sluice_device_state{device="disk0",state="ready"} 1');
    expect(text).toContain('process_cpu_seconds_total');
  });
});

describe('/v1/live', () => {
  it('tells usage and devices at the end of each interval, and goes away on drain', async () => {
    const res = await fetch(`${rig.base}/v1/live?orderBy=cost`);
    const reader = res.body!.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    const readUntil = async (what: string): Promise<void> => {
      while (!text.includes(what)) {
        const { value, done } = await reader.read();
        if (done) throw new Error(`the stream ended before ${what}: ${text}`);
        text += value;
      }
    };
    await readUntil('retry: ');
    rig.serve('acme/db', 2);
    await readUntil('"tag":"acme/db"');
    await readUntil('event: devices');
    expect(text).toContain('event: usage\ndata: {"startMs":"');
    expect(text).toContain('"state":"DEVICE_STATE_READY"');
    const drained = rig.door.drain(5_000);
    await readUntil('event: goAway');
    expect((await reader.read()).done).toBe(true);
    await drained;
  });

  it('is bounded in streams and rows', async () => {
    const { json } = await rig.call('GET', '/v1/live?topN=1001');
    expect(json).toMatchObject({ status: 400, field: 'topN' });
    const open = await Promise.all(Array.from({ length: 64 }, () => fetch(`${rig.base}/v1/live`)));
    const refused = await rig.call('GET', '/v1/live');
    expect(refused.json).toMatchObject({ status: 429, code: 'QUEUE_FULL' });
    expect(refused.headers.get('retry-after')).toBe('1');
    await Promise.all(open.map((res) => res.body!.cancel()));
  });
});
