/** Usage over HTTP. */
import type { z } from 'zod';
import type { RawUsageQuery, Usage } from '../../control/usage.js';
import { invalid } from '../../core/model/errors.js';
import type { UsageRow } from '../../core/model/usage.js';
import { csvHeader, csvLines } from '../../core/usage/csv.js';
import { rowJson, tagJson } from './convert.js';
import type { LiveStreams } from './live.js';
import { CSV_TYPE, JSON_TYPE, csv, json, route, type Route } from './route.js';
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
        const pieces = jsonPieces(await usage.query(queryOf(query)));
        return { status: 200, stream: { type: JSON_TYPE, pieces } };
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
        const pieces = csvPieces(await usage.query(asked), asked.quantiles);
        return { status: 200, stream: { type: CSV_TYPE, pieces } };
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

async function* jsonPieces(parts: AsyncIterable<readonly UsageRow[]>): AsyncGenerator<string, void> {
  let lead = '{"rows":[';
  for await (const rows of parts) {
    yield lead + rows.map((row) => JSON.stringify(rowJson(row))).join(',');
    lead = ',';
  }
  yield lead === ',' ? ']}\n' : `${lead}]}\n`;
}

async function* csvPieces(
  parts: AsyncIterable<readonly UsageRow[]>,
  quantiles: readonly number[],
): AsyncGenerator<string, void> {
  yield csvHeader(quantiles);
  for await (const rows of parts) yield csvLines(rows);
}

type Asked<Shape extends z.ZodRawShape> = z.output<z.ZodObject<Shape>>;

function groupingOf(asked: Asked<typeof grouping>): Omit<RawUsageQuery, 'fromMs' | 'toMs' | 'stepMs'> {
  return {
    device: asked.device ?? '',
    tagPrefix: asked.tagPrefix ?? '',
    groupLevel: asked.groupLevel ?? 0,
    apart: asked.apart === undefined || asked.apart === '' ? [] : asked.apart.split(','),
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
