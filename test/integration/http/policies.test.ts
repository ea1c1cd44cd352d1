import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HttpRig } from '../../support/http-rig.js';

let rig: HttpRig;
beforeEach(async () => {
  rig = await HttpRig.start();
});
afterEach(() => rig[Symbol.asyncDispose]());

const PATH = '/v1/devices/-/policies/acme/db';

describe('policies over HTTP', () => {
  it('puts, gives and deletes, with slashes in the tag as they are or escaped', async () => {
    const put = await rig.call('PUT', PATH, { json: { shares: 200 } });
    expect(put.json).toEqual({ device: '*', tag: 'acme/db', shares: 200, etag: put.json!['etag'] });
    expect(put.headers.get('etag')).toBe(`"${String(put.json!['etag'])}"`);
    expect((await rig.call('GET', '/v1/devices/-/policies/acme%2Fdb')).json).toEqual(put.json);
    expect((await rig.call('GET', '/v1/devices/*/policies/acme/db')).json).toEqual(put.json);
    const gone = await rig.call('DELETE', PATH);
    expect(gone.json!['revision']).toMatch(/^\d+$/);
    expect((await rig.call('GET', PATH)).json).toMatchObject({ status: 404, code: 'NOT_FOUND' });
  });

  it('acts on what is in force before it answers', async () => {
    await rig.call('PUT', PATH, { json: { shares: 200, selfShares: 7 } });
    await rig.call('PUT', '/v1/devices/disk0/policies/acme/db', { json: { shares: 300 } });
    const effective = await rig.call('GET', '/v1/devices/disk0/policies/acme/db?effective=true');
    expect(effective.json).toEqual({ device: 'disk0', tag: 'acme/db', shares: 300, selfShares: 7, etag: '' });
    const unset = await rig.call('GET', '/v1/devices/disk0/policies/beta?effective=true');
    expect(unset.json).toMatchObject({ shares: 100, selfShares: 100 });
  });

  it('takes back what it gave: a policy that was read can be put', async () => {
    const { json } = await rig.call('PUT', PATH, { json: { shares: 200 } });
    const again = await rig.call('PUT', PATH, { json: { ...json, shares: 201 } });
    expect(again.json).toMatchObject({ shares: 201 });
    const stale = await rig.call('PUT', PATH, { json: { ...json, shares: 202 } });
    expect(stale.json).toMatchObject({ status: 412, code: 'ETAG_MISMATCH', field: 'etag' });
    for (const [field, value] of [
      ['tag', 'other'],
      ['device', 'disk0'],
    ] as const) {
      const answer = await rig.call('PUT', PATH, { json: { [field]: value } });
      expect(answer.json).toMatchObject({ status: 400, field });
    }
  });

  it('holds writers to their conditions', async () => {
    const put = (headers: Record<string, string>, shares: number): ReturnType<HttpRig['call']> =>
      rig.call('PUT', PATH, { headers, json: { shares } });
    expect((await put({ 'if-match': '*' }, 1)).json).toMatchObject({ status: 412, code: 'ETAG_MISMATCH' });
    const made = await put({ 'if-none-match': '*' }, 1);
    expect(made.status).toBe(200);
    expect((await put({ 'if-none-match': '*' }, 2)).json).toMatchObject({ status: 409, code: 'ALREADY_EXISTS' });
    const etag = made.headers.get('etag')!;
    expect((await put({ 'if-match': etag }, 2)).status).toBe(200);
    expect((await put({ 'if-match': etag }, 3)).json).toMatchObject({ status: 412, code: 'ETAG_MISMATCH' });
    expect((await put({ 'if-match': '*' }, 3)).status).toBe(200);
    expect((await put({ 'if-match': 'bare' }, 3)).json).toMatchObject({ status: 400, field: 'If-Match' });
    expect((await put({ 'if-match': `W/${etag}` }, 3)).json).toMatchObject({ status: 400, field: 'If-Match' });
    expect((await put({ 'if-none-match': etag }, 3)).json).toMatchObject({ status: 400, field: 'If-None-Match' });
    const removed = await rig.call('DELETE', PATH, { headers: { 'if-match': etag } });
    expect(removed.json).toMatchObject({ status: 412 });
    expect((await rig.call('DELETE', PATH, { headers: { 'if-match': '*' } })).status).toBe(200);
  });

  it('lets one of many writers with the same etag through', async () => {
    const first = await rig.call('PUT', PATH, { json: { shares: 1 } });
    const headers = { 'if-match': first.headers.get('etag')! };
    const answers = await Promise.all(
      [2, 3, 4, 5, 6].map((shares) => rig.call('PUT', PATH, { headers, json: { shares } })),
    );
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, 412, 412, 412, 412]);
  });

  it('lists in pages that hold while others write', async () => {
    const tags = ['a', 'a/x', 'b', 'c', 'd'];
    for (const tag of tags) await rig.call('PUT', `/v1/devices/-/policies/${tag}`, { json: { shares: 5 } });
    const seen: unknown[] = [];
    let pageToken = '';
    do {
      const page = await rig.call('GET', `/v1/policies?pageSize=2&pageToken=${pageToken}`);
      const policies = page.json!['policies'] as { tag: string }[];
      expect(policies.length).toBeLessThanOrEqual(2);
      seen.push(...policies.map((policy) => policy.tag));
      if (pageToken === '') await rig.call('DELETE', '/v1/devices/-/policies/a/x');
      pageToken = page.json!['nextPageToken'] as string;
    } while (pageToken !== '');
    expect(seen).toEqual(tags);
    const below = await rig.call('GET', '/v1/policies?device=-&tagPrefix=a');
    expect((below.json!['policies'] as { tag: string }[]).map((policy) => policy.tag)).toEqual(['a']);
  });

  it('applies many at once, all or none, and says first what it would do', async () => {
    await rig.call('PUT', '/v1/devices/disk0/policies/old', { json: { shares: 1 } });
    await rig.call('PUT', '/v1/devices/disk0/policies/kept', { json: { shares: 2 } });
    await rig.call('PUT', '/v1/devices/-/policies/elsewhere', { json: { shares: 2 } });
    const request = {
      policies: [
        { device: 'disk0', tag: 'kept', shares: 2 },
        { device: 'disk0', tag: 'new', shares: 3 },
      ],
      prune: true,
      pruneDevice: 'disk0',
    };
    const kinds = (json: Record<string, unknown> | null): unknown =>
      (json!['changes'] as { kind: string; before?: { tag: string }; after?: { tag: string } }[]).map(
        ({ kind, before, after }) => [kind, (after ?? before)!.tag],
      );
    const wanted = [
      ['CHANGE_KIND_CREATED', 'new'],
      ['CHANGE_KIND_DELETED', 'old'],
    ];
    const dry = await rig.call('POST', '/v1/policies:apply', { json: { ...request, dryRun: true } });
    expect(kinds(dry.json)).toEqual(wanted);
    expect((await rig.call('GET', '/v1/devices/disk0/policies/old')).status).toBe(200);
    const applied = await rig.call('POST', '/v1/policies:apply', { json: { ...request, requestId: 'r1' } });
    expect(kinds(applied.json)).toEqual(wanted);
    expect(applied.json!['unchanged']).toBe(1);
    const repeated = await rig.call('POST', '/v1/policies:apply', { json: { ...request, requestId: 'r1' } });
    expect(repeated.json).toEqual(applied.json);
    const bad = {
      policies: [
        { device: '*', tag: 'fine', shares: 1 },
        { device: '*', tag: 'bad', shares: 0 },
      ],
    };
    const refused = await rig.call('POST', '/v1/policies:apply', { json: bad });
    expect(refused.json).toMatchObject({
      status: 400,
      field: 'policies[1].shares',
      detail: 'policies[1].shares must be an integer 1..10000, got 0',
    });
    expect((await rig.call('GET', '/v1/devices/-/policies/fine')).status).toBe(404);
    expect((await rig.call('GET', '/v1/devices/-/policies/elsewhere')).status).toBe(200);
  });
});
