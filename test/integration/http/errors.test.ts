import { connect } from 'node:net';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HttpRig } from '../../support/http-rig.js';

let rig: HttpRig;
beforeAll(async () => {
  rig = await HttpRig.start();
});
afterAll(() => rig[Symbol.asyncDispose]());

const PATH = '/v1/devices/-/policies/acme';

describe('errors over HTTP', () => {
  it('are problem details with code and status', async () => {
    const answer = await rig.call('GET', PATH);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(answer.json).toEqual({
      type: 'about:blank',
      title: 'Not Found',
      status: 404,
      detail: 'policy acme on device * does not exist',
      code: 'NOT_FOUND',
    });
  });

  it('say what is not served, and which methods are', async () => {
    expect((await rig.call('GET', '/v2/nothing')).json).toMatchObject({ status: 404, code: 'NOT_FOUND' });
    expect((await rig.call('GET', '/v1/devices/')).json).toMatchObject({ status: 404 });
    const post = await rig.call('POST', PATH);
    expect(post.json).toMatchObject({ status: 405, code: 'UNSUPPORTED', field: 'method' });
    expect(post.headers.get('allow')).toBe('GET, PUT, DELETE');
    const get = await rig.call('GET', '/v1/devices/disk0:drain');
    expect(get.json).toMatchObject({ status: 405 });
    expect(get.headers.get('allow')).toBe('POST');
  });

  it.each([
    ['a body that is no JSON', { body: '{"shares":', headers: { 'content-type': 'application/json' } }, 400, 'body'],
    ['no body', {}, 400, 'body'],
    ['a body that is no object', { json: [1] }, 400, 'body'],
    ['another type of content', { body: 'shares=1', headers: { 'content-type': 'text/plain' } }, 415, 'Content-Type'],
    ['an unknown field', { json: { share: 5 } }, 400, 'share'],
    ['a field of another type', { json: { shares: '5' } }, 400, 'shares'],
    ['zero shares', { json: { shares: 0 } }, 400, 'shares'],
    ['a fraction of a share', { json: { shares: 1.5 } }, 400, 'shares'],
    ['a field that is not enforced yet', { json: { limitPerS: 5 } }, 501, 'limitPerS'],
    ['a body past the bound', { json: { shares: 1, etag: 'x'.repeat(5_000_000) } }, 413, 'body'],
    [
      'a page of another site',
      { json: { shares: 5 }, headers: { origin: 'https://elsewhere.example' } },
      403,
      'Origin',
    ],
  ] as const)('refuse %s', async (_what, asked, status, field) => {
    const { json } = await rig.call('PUT', PATH, asked);
    expect(json).toMatchObject({ status, field });
    expect((await rig.call('GET', PATH)).status).toBe(404);
  });

  it('show the value and what is allowed', async () => {
    const detail = async (method: string, path: string, json?: unknown): Promise<unknown> =>
      (await rig.call(method, path, json === undefined ? {} : { json })).json!['detail'];
    expect(await detail('PUT', PATH, { shares: 0 })).toBe('shares must be an integer 1..10000, got 0');
    expect(await detail('PUT', PATH, { shares: '5' })).toBe('shares must be of type number, got "5"');
    expect(await detail('PUT', PATH, { share: 5 })).toBe('unknown body field "share"');
    expect(await detail('GET', `${PATH}?x=1`)).toBe('unknown query parameter "x"');
    expect(await detail('GET', `${PATH}?effective=yes`)).toBe('effective must be one of true, false, got "yes"');
    expect(await detail('GET', '/v1/policies?pageSize=1001')).toBe(
      'pageSize must be an integer 0..1000 (0 = 100), got 1001',
    );
    expect(await detail('GET', '/v1/policies?pageSize=many')).toBe(
      'pageSize must be a whole number in decimal digits, got "many"',
    );
    expect(await detail('POST', '/v1/devices/disk0:drain', { now: true })).toBe('unknown body field "now"');
    expect(await detail('GET', '/v1/devices/-/policies/Bad/Tag')).toContain('tag must be 1 to 8 segments of');
  });

  it('answer a path that cannot be decoded', async () => {
    const socket = connect(Number(new URL(rig.base).port), '127.0.0.1');
    await once(socket, 'connect');
    socket.end('GET /v1/devices/%E0%A4%A HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk as Buffer);
    const answer = Buffer.concat(chunks).toString();
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain('"code":"INVALID_ARGUMENT"');
  });

  it('name the address that is taken', async () => {
    const port = Number(new URL(rig.base).port);
    const { HttpDoor } = await import('../../../src/doors/http/door.js');
    const second = new HttpDoor(rig.parts);
    await expect(second.listen('127.0.0.1', port)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining(`127.0.0.1:${String(port)}`) as string,
    });
    await second.close();
  });
});
