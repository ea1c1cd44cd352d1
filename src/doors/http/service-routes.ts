/** How the service itself is: alive, ready, measured, described. */
import type { Metrics } from '../../telemetry/metrics.js';
import { json, route, type Route } from './route.js';
import { Readiness, Service } from './schemas.js';

export interface ReadinessNow {
  readonly ready: boolean;
  /** Why it is not, and what an operator should know in any case. */
  readonly reasons: readonly string[];
}

/** One host of the store, as this one sees it. */
export interface HostNow {
  readonly id: string;
  /** `embedded`: the store is in the process; else how the host stands with the store that it shares. */
  readonly mode: string;
  /** Whether it is the one that answers. */
  readonly self: boolean;
}

export interface ServiceNow {
  readonly hostId: string;
  readonly version: string;
  readonly state: string;
  /** Without user and password. */
  readonly store: string;
  readonly readOnly: boolean;
  readonly hosts: readonly HostNow[];
}

interface ServiceParts {
  readonly readiness: () => ReadinessNow;
  readonly service: () => ServiceNow;
  readonly metrics: Metrics;
  readonly document: () => Promise<object>;
}

const TEXT = 'text/plain; charset=utf-8';

export function serviceRoutes({ readiness, service, metrics, document }: ServiceParts): Route[] {
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
      path: '/v1/service',
      summary: 'Which host answers, and which hosts there are',
      answers: { 200: json('The service', Service) },
      handle: () => Promise.resolve({ status: 200, json: service() }),
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
      handle: async () => ({ status: 200, json: await document() }),
    }),
  ];
}
