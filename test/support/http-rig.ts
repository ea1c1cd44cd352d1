/** The HTTP door over real parts, on a free port; every answer is held to the OpenAPI document. */
import { expect } from 'vitest';
import { z } from 'zod';
import { RealClock } from '../../src/clock/real.js';
import { assemble, type Assembled } from '../../src/app/assemble.js';
import { DEFAULT_SETTINGS, DEFAULT_SIMULATION } from '../../src/core/model/device.js';
import type { Logger } from '../../src/core/ports.js';
import { makeDeviceFactory } from '../../src/devices/factory.js';
import { HttpDoor, type HttpDoorParts } from '../../src/doors/http/door.js';

const quiet: Logger = { info: () => undefined, warn: () => undefined, error: () => undefined };

interface Schema {
  readonly [key: string]: unknown;
}

export interface OpenApi {
  readonly openapi: string;
  readonly paths: Record<
    string,
    Record<string, { responses: Record<string, { content?: Record<string, { schema: Schema }> }> }>
  >;
  readonly components: { readonly schemas: Record<string, Schema> };
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** null where the body is no JSON. */
  readonly json: Record<string, unknown> | null;
}

export interface Asked {
  readonly headers?: Record<string, string>;
  readonly json?: unknown;
  readonly body?: string;
}

export class HttpRig implements AsyncDisposable {
  readonly clock: RealClock;
  readonly assembled: Assembled;
  readonly door: HttpDoor;
  /** What the door was made of. */
  readonly parts: HttpDoorParts;
  readonly base: string;
  readonly document: OpenApi;
  /** `get /v1/devices 200` and so on. */
  readonly exercised = new Set<string>();
  readonly readiness: { ready: boolean; reasons: string[] };

  private constructor(
    clock: RealClock,
    assembled: Assembled,
    door: HttpDoor,
    parts: HttpDoorParts,
    base: string,
    document: OpenApi,
    readiness: { ready: boolean; reasons: string[] },
  ) {
    this.clock = clock;
    this.assembled = assembled;
    this.door = door;
    this.parts = parts;
    this.base = base;
    this.document = document;
    this.readiness = readiness;
  }

  /** With a simulated device `disk0` that costs no time. */
  static async start(): Promise<HttpRig> {
    const clock = new RealClock();
    const assembled = await assemble({
      clock,
      logger: quiet,
      factory: makeDeviceFactory({}, clock),
      devices: [
        { name: 'disk0', target: { simulation: { ...DEFAULT_SIMULATION, kind: 'null' } }, settings: DEFAULT_SETTINGS },
      ],
      policies: [],
    });
    const { host, policies, devices, usage, ledgers } = assembled;
    const readiness = { ready: true, reasons: [] as string[] };
    const parts: HttpDoorParts = {
      policies,
      devices,
      usage,
      served: host,
      ledgers: () => ledgers,
      clock,
      logger: quiet,
      readiness: () => readiness,
      service: () => ({
        hostId: 'host-1',
        version: '0.0.0',
        state: 'serving',
        store: 'memory',
        readOnly: false,
        hosts: [{ id: 'host-1', mode: 'embedded', self: true }],
      }),
      readOnly: false,
      dashboard: null,
    };
    const door = new HttpDoor(parts);
    const port = await door.listen('127.0.0.1', 0);
    const base = `http://127.0.0.1:${String(port)}`;
    const document = (await (await fetch(`${base}/openapi.json`)).json()) as OpenApi;
    return new HttpRig(clock, assembled, door, parts, base, document, readiness);
  }

  async call(method: string, path: string, asked: Asked = {}): Promise<Answer> {
    const body = asked.json === undefined ? asked.body : JSON.stringify(asked.json);
    const res = await fetch(`${this.base}${path}`, {
      method,
      headers: { ...(asked.json !== undefined && { 'content-type': 'application/json' }), ...asked.headers },
      ...(body !== undefined && { body }),
    });
    const text = await res.text();
    const isJson = /\bjson\b/.test(res.headers.get('content-type') ?? '');
    const answer = {
      status: res.status,
      headers: res.headers,
      text,
      json: isJson ? (JSON.parse(text) as Record<string, unknown>) : null,
    };
    this.check(method.toLowerCase(), new URL(path, this.base).pathname, answer);
    return answer;
  }

  /** Counts executions as a dispatcher would. */
  serve(tag: string, times = 1, device = 'disk0'): void {
    const account = this.assembled.ledgers.get(device)!.account(tag);
    for (let i = 0; i < times; i++) account.record(1, 4_096, 1, false, false, 20_000, 80_000, this.clock.nowNs());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.door.close();
    await this.assembled.close();
  }

  private check(method: string, path: string, answer: Answer): void {
    const template = templateOf(Object.keys(this.document.paths), path);
    const operation = template === null ? undefined : this.document.paths[template]?.[method];
    const type = answer.headers.get('content-type') ?? '';
    if (operation === undefined) {
      // A path or a method that is not in the document.
      expect([404, 405]).toContain(answer.status);
      expect(type).toBe('application/problem+json');
      return;
    }
    const status = String(answer.status);
    this.exercised.add(`${method} ${template!} ${status in operation.responses ? status : 'default'}`);
    const response = operation.responses[status] ?? operation.responses['default']!;
    expect(Object.keys(response.content ?? {})).toContain(type);
    if (answer.json === null) return;
    const schema = { ...response.content![type]!.schema, components: this.document.components };
    const parsed = z.fromJSONSchema(inline(schema, this.document) as never).safeParse(answer.json);
    expect(parsed.error?.issues ?? [], `${method} ${path} ${status}: ${answer.text.slice(0, 300)}`).toEqual([]);
  }
}

/** The template with the most literal text that the path fits. */
function templateOf(templates: readonly string[], path: string): string | null {
  const fits = templates.filter((template) => {
    const pattern = template
      .replace(/[.]/g, '\\.')
      .replace('{tag}', '.+')
      .replace(/\{\w+\}/g, '[^/]+');
    return new RegExp(`^${pattern}$`).test(path);
  });
  return fits.sort((a, b) => b.length - a.length)[0] ?? null;
}

/** References resolved: the document has no cycles. */
function inline(schema: unknown, document: OpenApi): unknown {
  if (Array.isArray(schema)) return schema.map((part) => inline(part, document));
  if (typeof schema !== 'object' || schema === null) return schema;
  const ref = (schema as { $ref?: string }).$ref;
  if (ref !== undefined) return inline(document.components.schemas[ref.split('/').at(-1)!], document);
  return Object.fromEntries(
    Object.entries(schema)
      .filter(([key]) => key !== 'components')
      .map(([key, value]) => [key, inline(value, document)]),
  );
}
