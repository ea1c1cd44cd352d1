/** The OpenAPI document, made of the routes that are served. */
import { OpenAPIRegistry, OpenApiGeneratorV31, type RouteConfig } from '@asteasolutions/zod-to-openapi';
import { z } from 'zod';
import { PROBLEM_TYPE } from './problem.js';
import type { Route } from './route.js';
import { Problem } from './schemas.js';

const CONDITIONS = {
  'If-Match': z
    .string()
    .optional()
    .meta({ description: 'The ETag of what may be changed, or * for whatever is there' }),
  'If-None-Match': z.string().optional().meta({ description: '*: only where nothing is there' }),
};

export function openApiDocument(routes: readonly Route[]): object {
  const registry = new OpenAPIRegistry();
  for (const route of routes) registry.registerPath(pathOf(route));
  return new OpenApiGeneratorV31(registry.definitions).generateDocument({
    openapi: '3.1.0',
    info: { title: 'Sluice', version: 'v1', license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
  });
}

function pathOf(route: Route): RouteConfig {
  const { method, path, summary, params, query, body, conditional, answers } = route;
  const responses: RouteConfig['responses'] = {
    default: { description: 'What went wrong', content: { [PROBLEM_TYPE]: { schema: Problem } } },
  };
  for (const [status, answer] of Object.entries(answers)) {
    const [type, schema] =
      typeof answer.body === 'string'
        ? [answer.body, answer.body.startsWith('application/json') ? z.record(z.string(), z.unknown()) : z.string()]
        : ['application/json', answer.body];
    responses[status] = { description: answer.description, content: { [type]: { schema } } };
  }
  return {
    method,
    path,
    summary,
    request: {
      params: z.strictObject(params),
      query: z.strictObject(query),
      ...(conditional && { headers: z.strictObject(CONDITIONS) }),
      ...(body !== null && { body: { required: true, content: { 'application/json': { schema: body } } } }),
    },
    responses,
  };
}
