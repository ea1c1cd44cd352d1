/** Policies over HTTP. */
import { z } from 'zod';
import type { Policies } from '../../control/policies.js';
import { invalid } from '../../core/model/errors.js';
import { changeJson, deviceOf, policyFields, policyJson } from './convert.js';
import { etagFor, preconditionOf } from './input.js';
import { json, route, type Route } from './route.js';
import { Applied, Apply, Deleted, Policy, PolicyIn, PolicyList, filter, paging } from './schemas.js';

const PATH = '/v1/devices/{device}/policies/{tag}';
const key = {
  device: z.string().meta({ description: 'A device, or - for the default of all devices.' }),
  tag: z.string().meta({ description: 'A tag; its slashes may stand as they are.' }),
};

export function policyRoutes(policies: Policies): Route[] {
  const etagOf = (device: string, tag: string) => async (): Promise<string> => (await policies.get(device, tag)).etag;
  return [
    route({
      method: 'get',
      path: PATH,
      summary: 'The policy as set, or with effective=true what is in force on the device',
      params: key,
      query: { effective: z.enum(['true', 'false']).optional() },
      answers: { 200: json('The policy', Policy) },
      handle: async ({ params, query }) => {
        const device = deviceOf(params.device);
        if (query.effective === 'true') {
          return { status: 200, json: policyJson(await policies.getEffective(device, params.tag)) };
        }
        const policy = await policies.get(device, params.tag);
        return { status: 200, json: policyJson(policy), etag: policy.etag };
      },
    }),
    route({
      method: 'put',
      path: PATH,
      summary: 'Replaces the whole policy, or makes it',
      params: key,
      body: PolicyIn,
      conditional: true,
      answers: { 200: json('The policy as it is now', Policy) },
      handle: async ({ params, body, req }) => {
        const device = deviceOf(params.device);
        if (body.device !== undefined && body.device !== device)
          throw invalid('device', `absent or ${device}`, body.device);
        if (body.tag !== undefined && body.tag !== params.tag)
          throw invalid('tag', `absent or ${params.tag}`, body.tag);
        const etag = await etagFor(preconditionOf(req, body.etag), etagOf(device, params.tag));
        const policy = await policies.put(device, params.tag, policyFields(body), etag);
        return { status: 200, json: policyJson(policy), etag: policy.etag };
      },
    }),
    route({
      method: 'delete',
      path: PATH,
      summary: 'Deletes the policy',
      params: key,
      conditional: true,
      answers: { 200: json('The revision of the store after it', Deleted) },
      handle: async ({ params, req }) => {
        const device = deviceOf(params.device);
        const etag = await etagFor(preconditionOf(req), etagOf(device, params.tag));
        return { status: 200, json: { revision: String(await policies.delete(device, params.tag, etag)) } };
      },
    }),
    route({
      method: 'get',
      path: '/v1/policies',
      summary: 'Policies by device, then tag',
      query: { ...filter, ...paging },
      answers: { 200: json('A page', PolicyList) },
      handle: async ({ query }) => {
        const page = await policies.list({
          device: deviceOf(query.device ?? ''),
          prefix: query.tagPrefix ?? '',
          pageSize: query.pageSize ?? 0,
          pageToken: query.pageToken ?? '',
        });
        const { nextPageToken, revision } = page;
        return {
          status: 200,
          json: { policies: page.policies.map(policyJson), nextPageToken, revision: String(revision) },
        };
      },
    }),
    route({
      method: 'post',
      path: '/v1/policies:apply',
      summary: 'Many changes at once, all or none; dryRun says what would change',
      body: Apply,
      answers: { 200: json('What changed', Applied) },
      handle: async ({ body }) => {
        const { changes, unchanged, revision } = await policies.apply({
          policies: (body.policies ?? []).map((policy) => ({
            device: deviceOf(policy.device),
            tag: policy.tag,
            fields: policyFields(policy),
            etag: policy.etag ?? '',
          })),
          prune: body.prune ?? false,
          pruneDevice: deviceOf(body.pruneDevice ?? ''),
          prunePrefix: body.prunePrefix ?? '',
          dryRun: body.dryRun ?? false,
          requestId: body.requestId ?? '',
        });
        return { status: 200, json: { changes: changes.map(changeJson), unchanged, revision: String(revision) } };
      },
    }),
  ];
}
