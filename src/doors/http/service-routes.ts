/** How the service itself is: alive, ready, measured, described. */
import type { Metrics } from '../../telemetry/metrics.js';
import { json, route, type Route } from './route.js';
import { Readiness } from './schemas.js';

export interface ReadinessNow {
  readonly ready: boolean;
  /** Why it is not, and what an operator should know in any case. */
  readonly reasons: readonly string[];
}

const TEXT = 'text/plain; charset=utf-8';

export function serviceRoutes(readiness: () => ReadinessNow, metrics: Metrics, document: () => object): Route[] {
  return [
    route({
      method: 'get',
      path: '/livez',
      summary: 'Whether the process answers at all',
      answers: { 200: { description: 'It does', body: TEXT } },
      handle: () => Promise.resolve({ status: 200, text: { type: TEXT, body: 'ok\n' } }),
    }),
    route({
      method: 'get',
      path: '/readyz',
      summary: 'Whether it serves all that it should',
      answers: { 200: json('It does', Readiness), 503: json('It does not', Readiness) },
      handle: () => {
        const now = readiness();
        return Promise.resolve({ status: now.ready ? 200 : 503, json: now });
      },
    }),
    route({
      method: 'get',
      path: '/metrics',
      summary: 'What this host has served, for a Prometheus collector',
      answers: { 200: { description: 'Text exposition format', body: metrics.contentType } },
      handle: async () => ({ status: 200, text: { type: metrics.contentType, body: await metrics.render() } }),
    }),
    route({
      method: 'get',
      path: '/openapi.json',
      summary: 'This document',
      answers: { 200: { description: 'OpenAPI 3.1', body: 'application/json' } },
      handle: () => Promise.resolve({ status: 200, json: document() }),
    }),
    route({
      method: 'get',
      path: '/',
      summary: 'Where to go from here',
      answers: { 200: { description: 'Links', body: 'text/html; charset=utf-8' } },
      handle: () => Promise.resolve({ status: 200, text: { type: 'text/html; charset=utf-8', body: INDEX } }),
    }),
  ];
}

const LINKS = ['/v1/devices', '/v1/policies', '/v1/usage', '/v1/tags', '/metrics', '/readyz', '/openapi.json'];

const INDEX = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Sluice</title>
<h1>Sluice</h1>
<ul>
${LINKS.map((link) => `<li><a href="${link}">${link}</a></li>`).join('\n')}
</ul>
</html>
`;
