import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HttpRig } from '../../support/http-rig.js';

let rig: HttpRig;
beforeAll(async () => {
  rig = await HttpRig.start();
});
afterAll(() => rig[Symbol.asyncDispose]());

describe('/openapi.json', () => {
  it('is an OpenAPI 3.1 document whose references resolve and whose path parameters are declared', () => {
    expect(rig.document.openapi).toBe('3.1.0');
    const text = JSON.stringify(rig.document);
    for (const [, name] of text.matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)) {
      expect(rig.document.components.schemas).toHaveProperty(name!);
    }
    // What 3.0 had and 3.1 has not.
    expect(text).not.toContain('"nullable"');
    const ids = new Set<string>();
    for (const [path, operations] of Object.entries(rig.document.paths)) {
      expect(path.startsWith('/')).toBe(true);
      const names = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]!);
      for (const [method, operation] of Object.entries(operations)) {
        const { parameters = [], requestBody } = operation as {
          parameters?: { name: string; in: string; required?: boolean; schema?: object }[];
          requestBody?: { content: object };
        };
        const inPath = parameters.filter((parameter) => parameter.in === 'path');
        expect(inPath.map((parameter) => parameter.name).sort()).toEqual([...names].sort());
        expect(inPath.every((parameter) => parameter.required === true)).toBe(true);
        for (const parameter of parameters) {
          expect(['path', 'query', 'header']).toContain(parameter.in);
          expect(parameter.schema).toBeTypeOf('object');
          const id = `${method} ${path} ${parameter.in} ${parameter.name}`;
          expect(ids).not.toContain(id);
          ids.add(id);
        }
        if (requestBody !== undefined) expect(requestBody.content).toHaveProperty('application/json');
        expect(['get', 'put', 'post', 'delete']).toContain(method);
        for (const [status, response] of Object.entries(operation.responses)) {
          expect(status).toMatch(/^([1-5]\d\d|default)$/);
          expect(response).toHaveProperty('description');
        }
      }
    }
  });

  it('says of each route what it answers: every route and status is called and held to it', async () => {
    const simulation = { kind: 'null', sizeBytes: '1048576', blockBytes: 512, seed: 7 };
    rig.serve('acme/db', 3);
    for (const path of [
      '/v1/service',
      '/livez',
      '/readyz',
      '/metrics',
      '/openapi.json',
      '/v1/devices',
      '/v1/policies',
    ]) {
      expect((await rig.call('GET', path)).status).toBe(200);
    }
    for (const path of ['/v1/usage?quantiles=0.5,0.99', '/v1/usage.csv', '/v1/tags']) {
      expect((await rig.call('GET', path)).status).toBe(200);
    }
    const policy = '/v1/devices/-/policies/acme/db';
    await rig.call('PUT', policy, { json: { shares: 200, selfShares: 5 } });
    await rig.call('GET', policy);
    await rig.call('POST', '/v1/policies:apply', {
      json: { policies: [{ device: '*', tag: 'b', shares: 3 }], prune: true },
    });
    await rig.call('PUT', policy, { json: {} });
    await rig.call('DELETE', policy);
    await rig.call('PUT', '/v1/devices/disk1', { json: { simulation } });
    await rig.call('PUT', '/v1/devices/disk1', { json: { settings: { depth: 4, maxQueuedBytes: 8192 } } });
    await rig.call('GET', '/v1/devices/disk1');
    await rig.call('POST', '/v1/devices/disk1:drain');
    await rig.call('DELETE', '/v1/devices/disk1');
    rig.readiness.ready = false;
    await rig.call('GET', '/readyz');
    const live = await fetch(`${rig.base}/v1/live`);
    expect(live.headers.get('content-type')).toBe('text/event-stream');
    await live.body!.cancel();
    rig.exercised.add('get /v1/live 200');
    for (const [method, path] of [
      ['GET', '/v1/devices/-/policies/absent'],
      ['PUT', '/v1/devices/-/policies/Bad'],
      ['DELETE', '/v1/devices/-/policies/absent'],
      ['GET', '/v1/policies?x=1'],
      ['POST', '/v1/policies:apply'],
      ['GET', '/v1/devices?pageSize=x'],
      ['GET', '/v1/devices/absent'],
      ['PUT', '/v1/devices/absent'],
      ['DELETE', '/v1/devices/absent'],
      ['POST', '/v1/devices/absent:drain'],
      ['GET', '/v1/usage?stepMs=5'],
      ['GET', '/v1/usage.csv?stepMs=5'],
      ['GET', '/v1/tags?tagPrefix=A'],
      ['GET', '/v1/live?intervalMs=1'],
      ['GET', '/livez?x=1'],
      ['GET', '/readyz?x=1'],
      ['GET', '/metrics?x=1'],
      ['GET', '/openapi.json?x=1'],
      ['GET', '/v1/service?x=1'],
    ] as const) {
      const answer = await rig.call(method, path);
      expect(answer.json, `${method} ${path}`).toMatchObject({ status: answer.status });
    }
    const documented = Object.entries(rig.document.paths).flatMap(([path, operations]) =>
      Object.entries(operations).flatMap(([method, { responses }]) =>
        Object.keys(responses).map((status) => `${method} ${path} ${status}`),
      ),
    );
    expect([...rig.exercised].sort()).toEqual(documented.sort());
  });
});
