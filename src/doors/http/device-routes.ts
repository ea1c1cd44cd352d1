/** Devices over HTTP. */
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import type { Devices, DeviceView } from '../../control/devices.js';
import { CREATE_ONLY } from '../../core/model/etag.js';
import { SluiceError, invalid } from '../../core/model/errors.js';
import type { DeviceTarget } from '../../core/model/device.js';
import { deviceJson, settingsOf, targetOf } from './convert.js';
import { etagFor, preconditionOf } from './input.js';
import { json, route, type Reply, type Route } from './route.js';
import { Device, DeviceIn, DeviceList, Empty, paging } from './schemas.js';

const PATH = '/v1/devices/{device}';
const key = { device: z.string() };

export function deviceRoutes(devices: Devices): Route[] {
  const etagOf = (name: string) => async (): Promise<string> => (await devices.get(name)).record.etag;
  return [
    route({
      method: 'get',
      path: '/v1/devices',
      summary: 'Devices by name',
      query: paging,
      answers: { 200: json('A page', DeviceList) },
      handle: async ({ query }) => {
        const page = await devices.list({ pageSize: query.pageSize ?? 0, pageToken: query.pageToken ?? '' });
        return { status: 200, json: { devices: page.devices.map(deviceJson), nextPageToken: page.nextPageToken } };
      },
    }),
    route({
      method: 'post',
      path: '/v1/devices/{device}:drain',
      summary: 'Takes no new requests from now on; ask for the device until its state is DEVICE_STATE_DRAINED',
      params: key,
      answers: { 200: json('The device', Device) },
      handle: async ({ params }) => reply(200, await devices.drain(params.device)),
    }),
    route({
      method: 'get',
      path: PATH,
      summary: 'The device, and how it stands on this host',
      params: key,
      answers: { 200: json('The device', Device) },
      handle: async ({ params }) => reply(200, await devices.get(params.device)),
    }),
    route({
      method: 'put',
      path: PATH,
      summary: 'Makes the device, or changes those of its settings that are given',
      params: key,
      body: DeviceIn,
      conditional: true,
      answers: { 200: json('Changed', Device), 201: json('Made', Device) },
      handle: async ({ params, body, req }) => {
        const name = params.device;
        if (body.name !== undefined && body.name !== name) throw invalid('name', `absent or ${name}`, body.name);
        const target = targetOf(body);
        const etag = await etagFor(preconditionOf(req, body.etag), etagOf(name));
        const present = etag === CREATE_ONLY ? null : await find(devices, name);
        if (present === null) {
          if (etag !== '' && etag !== CREATE_ONLY) {
            throw new SluiceError('ETAG_MISMATCH', `device ${name} must have etag ${etag}, it does not exist`);
          }
          if (target === null) throw invalid('binding', 'given, or simulation, where a device is made', 'neither');
          return reply(201, await devices.create({ name, target, settings: settingsOf(body.settings) }));
        }
        if (target !== null) checkSameTarget(present.record.target, target);
        return reply(200, await devices.update(name, settingsOf(body.settings), etag));
      },
    }),
    route({
      method: 'delete',
      path: PATH,
      summary: 'Deletes a drained device',
      params: key,
      conditional: true,
      answers: { 200: json('Deleted', Empty) },
      handle: async ({ params, req }) => {
        await devices.delete(params.device, await etagFor(preconditionOf(req), etagOf(params.device)));
        return { status: 200, json: {} };
      },
    }),
  ];
}

function reply(status: number, view: DeviceView): Reply {
  return { status, json: deviceJson(view), etag: view.record.etag };
}

async function find(devices: Devices, name: string): Promise<DeviceView | null> {
  try {
    return await devices.get(name);
  } catch (error) {
    if (SluiceError.from(error).code === 'NOT_FOUND') return null;
    throw error;
  }
}

/** What serves a device does not change: its data would be another's. */
function checkSameTarget(present: DeviceTarget, given: DeviceTarget): void {
  if (isDeepStrictEqual(present, given)) return;
  const field = 'binding' in given ? 'binding' : 'simulation';
  const was = JSON.stringify('binding' in present ? present.binding : present.simulation);
  throw invalid(
    field,
    `absent or as it is (${was})`,
    JSON.stringify('binding' in given ? given.binding : given.simulation),
  );
}
