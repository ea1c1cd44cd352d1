import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HttpRig } from '../../support/http-rig.js';

let rig: HttpRig;
beforeEach(async () => {
  rig = await HttpRig.start();
});
afterEach(() => rig[Symbol.asyncDispose]());

const simulation = { kind: 'ssd', sizeBytes: '1073741824', blockBytes: 4096 };

describe('devices over HTTP', () => {
  it('makes, gives, changes, drains and deletes', async () => {
    const made = await rig.call('PUT', '/v1/devices/fast', { json: { simulation, settings: { depth: 8 } } });
    expect(made.status).toBe(201);
    expect(made.json).toMatchObject({
      name: 'fast',
      binding: '',
      simulation: { ...simulation, seed: '1', memoryBytesMax: '1073741824' },
      sizeBytes: '1073741824',
      blockBytes: 4096,
      state: 'DEVICE_STATE_READY',
      stateMessage: '',
    });
    expect((await rig.call('GET', '/v1/devices/fast')).json).toEqual(made.json);
    const changed = await rig.call('PUT', '/v1/devices/fast', {
      headers: { 'if-match': made.headers.get('etag')! },
      json: { settings: { scheduler: 'stride', maxQueuedBytes: '1048576', stride: { sleepMs: 5 } } },
    });
    expect(changed.status).toBe(200);
    expect(changed.json!['settings']).toMatchObject({
      scheduler: 'stride',
      depth: 8,
      maxQueuedBytes: '1048576',
      stride: { sleepMs: 5, sleepRule: 'before-pick' },
    });
    const early = await rig.call('DELETE', '/v1/devices/fast');
    expect(early.json).toMatchObject({
      status: 400,
      detail: 'device fast must be drained before it is deleted, got "ready"',
    });
    const drained = await rig.call('POST', '/v1/devices/fast:drain');
    expect(drained.json).toMatchObject({ state: 'DEVICE_STATE_DRAINED' });
    expect((await rig.call('DELETE', '/v1/devices/fast')).status).toBe(200);
    expect((await rig.call('GET', '/v1/devices/fast')).status).toBe(404);
  });

  it('lists in pages', async () => {
    for (const name of ['b', 'a', 'c']) await rig.call('PUT', `/v1/devices/${name}`, { json: { simulation } });
    const first = await rig.call('GET', '/v1/devices?pageSize=3');
    expect((first.json!['devices'] as { name: string }[]).map((device) => device.name)).toEqual(['a', 'b', 'c']);
    const rest = await rig.call('GET', `/v1/devices?pageToken=${String(first.json!['nextPageToken'])}`);
    expect((rest.json!['devices'] as { name: string }[]).map((device) => device.name)).toEqual(['disk0']);
    expect(rest.json!['nextPageToken']).toBe('');
  });

  it('refuses what is not allowed, naming field, value and what is', async () => {
    const put = async (name: string, json: unknown, headers = {}): Promise<unknown> =>
      (await rig.call('PUT', `/v1/devices/${name}`, { json, headers })).json;
    expect(await put('Bad', { simulation })).toMatchObject({ status: 400, field: 'name' });
    expect(await put('x', {})).toMatchObject({ status: 400, field: 'binding' });
    expect(await put('x', { binding: 'nowhere' })).toMatchObject({
      status: 404,
      field: 'binding',
      detail: 'binding "nowhere" does not exist: this host has none',
    });
    expect(await put('x', { binding: 'b', simulation })).toMatchObject({ status: 400, field: 'binding' });
    expect(await put('x', { simulation: { kind: 'tape' } })).toMatchObject({ status: 400, field: 'simulation.kind' });
    expect(await put('x', { simulation, settings: { depth: 0 } })).toMatchObject({
      status: 400,
      field: 'settings.depth',
      detail: 'settings.depth must be an integer 1..65536, got 0',
    });
    expect(await put('x', { simulation, settings: { costModel: 'free' } })).toMatchObject({
      field: 'settings.costModel',
    });
    expect(await put('x', { simulation }, { 'if-match': '"7"' })).toMatchObject({ status: 412 });
    expect(await put('disk0', { simulation })).toMatchObject({ status: 400, field: 'simulation' });
    expect(await put('disk0', { simulation }, { 'if-none-match': '*' })).toMatchObject({ status: 409 });
    expect(await put('disk0', { settings: { deth: 3 } })).toMatchObject({
      status: 400,
      detail: 'unknown body field "settings.deth"',
    });
    expect((await rig.call('GET', '/v1/devices/x')).status).toBe(404);
  });
});
