/** UsageService over the use cases. */
import { invalid } from '../../core/model/errors.js';
import type { UsageOrder, UsageRow } from '../../core/model/usage.js';
import type { QueryUsageResponse } from '../../wire/gen/sluice/v1/QueryUsageResponse.js';
import type { UsageServiceHandlers } from '../../wire/gen/sluice/v1/UsageService.js';
import type { Calls } from './calls.js';
import type { UsageUseCases } from './use-cases.js';

/** By the number of UsageOrder; unspecified is by tag. */
const ORDERS: readonly UsageOrder[] = ['tag', 'tag', 'cost', 'bytes', 'ops'];

/** Rows a message: a long range comes in pieces that stay well below gRPC's message limit. */
const ROWS_A_MESSAGE = 256;

function orderOf(value: number): UsageOrder {
  const order = ORDERS[value];
  if (order === undefined) throw invalid('order_by', `0..${String(ORDERS.length - 1)}`, value);
  return order;
}

async function* toResponses(parts: AsyncIterable<readonly UsageRow[]>): AsyncGenerator<QueryUsageResponse, void> {
  for await (const rows of parts) {
    for (let from = 0; from < rows.length; from += ROWS_A_MESSAGE)
      yield { rows: rows.slice(from, from + ROWS_A_MESSAGE) };
  }
}

export function usageService(usage: UsageUseCases, calls: Calls): UsageServiceHandlers {
  return {
    Query: calls.messages(async (request) => {
      const { device, tagPrefix, fromMs, toMs, stepMs, groupLevel, apart, topN, quantiles } = request;
      const orderBy = orderOf(request.orderBy);
      return toResponses(
        await usage.query({ device, tagPrefix, fromMs, toMs, stepMs, groupLevel, apart, orderBy, topN, quantiles }),
      );
    }),
    Watch: calls.watch((request, send) => {
      const { device, tagPrefix, groupLevel, apart, topN, quantiles, intervalMs } = request;
      const orderBy = orderOf(request.orderBy);
      return usage.watch({ device, tagPrefix, groupLevel, apart, orderBy, topN, quantiles, intervalMs }, (rows) =>
        // One message an interval, so that a reader knows when it has all of it; none has too many rows.
        send({ rows: [...rows] }),
      );
    }),
    ListTags: calls.unary(async ({ device, tagPrefix, pageSize, pageToken }) => {
      const page = await usage.listTags({ device, tagPrefix, pageSize, pageToken });
      return { ...page, tags: [...page.tags] };
    }),
  };
}
