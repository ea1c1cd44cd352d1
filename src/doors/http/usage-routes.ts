/** Usage over HTTP. */
import type { z } from 'zod';
import type { RawUsageQuery, Usage } from '../../control/usage.js';
import { invalid } from '../../core/model/errors.js';
import { rowJson, tagJson } from './convert.js';
import { CSV_TYPE, usageCsv } from './csv.js';
import type { LiveStreams } from './live.js';
import { csv, json, route, type Route } from './route.js';
import { TagList, UsageRows, filter, grouping, intervalMs, paging, range } from './schemas.js';

export function usageRoutes(usage: Usage, live: LiveStreams): Route[] {
  return [
    route({
      method: 'get',
      path: '/v1/usage',
      summary: 'What was served, by time, then as orderBy says',
      query: { ...grouping, ...range },
      answers: { 200: json('Rows', UsageRows) },
      handle: async ({ query }) => {
        const rows = await usage.query(queryOf(query));
        return { status: 200, json: { rows: rows.map(rowJson) } };
      },
    }),
    route({
      method: 'get',
      path: '/v1/usage.csv',
      summary: 'The same, a line for each operation of each row',
      query: { ...grouping, ...range },
      answers: { 200: csv('Lines') },
      handle: async ({ query }) => {
        const asked = queryOf(query);
        const body = usageCsv(await usage.query(asked), asked.quantiles);
        return { status: 200, text: { type: CSV_TYPE, body } };
      },
    }),
    route({
      method: 'get',
      path: '/v1/tags',
      summary: 'Tags that were served, by device, then tag',
      query: { ...filter, ...paging },
      answers: { 200: json('A page', TagList) },
      handle: async ({ query }) => {
        const { tags, nextPageToken } = await usage.listTags({
          device: query.device ?? '',
          tagPrefix: query.tagPrefix ?? '',
          pageSize: query.pageSize ?? 0,
          pageToken: query.pageToken ?? '',
        });
        return { status: 200, json: { tags: tags.map(tagJson), nextPageToken } };
      },
    }),
    route({
      method: 'get',
      path: '/v1/live',
      summary: 'Server-sent events: usage and devices at the end of every interval, goAway before the service ends',
      query: { ...grouping, intervalMs },
      answers: { 200: { description: 'Events', body: 'text/event-stream' } },
      handle: async ({ query, res }) => {
        await live.open(res, { ...groupingOf(query), intervalMs: query.intervalMs ?? 0 });
        return null;
      },
    }),
  ];
}

type Asked<Shape extends z.ZodRawShape> = z.output<z.ZodObject<Shape>>;

function groupingOf(asked: Asked<typeof grouping>): Omit<RawUsageQuery, 'fromMs' | 'toMs' | 'stepMs'> {
  return {
    device: asked.device ?? '',
    tagPrefix: asked.tagPrefix ?? '',
    groupLevel: asked.groupLevel ?? 0,
    orderBy: asked.orderBy ?? 'tag',
    topN: asked.topN ?? 0,
    quantiles: quantilesOf(asked.quantiles ?? ''),
  };
}

function queryOf(asked: Asked<typeof grouping & typeof range>): RawUsageQuery {
  const { fromMs = 0, toMs = 0, stepMs = 0 } = asked;
  return { ...groupingOf(asked), fromMs, toMs, stepMs };
}

function quantilesOf(list: string): number[] {
  if (list === '') return [];
  return list.split(',').map((text) => {
    if (!/^0?\.\d{1,15}$/.test(text)) throw invalid('quantiles', 'decimals above 0 and below 1, comma-separated', list);
    return Number(text);
  });
}
