/** Sampled requests as traces, at a collector that takes OTLP over HTTP. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { SluiceClient } from '../../../src/client/index.js';
import { TestService } from '../../support/service.js';

interface Value {
  readonly stringValue?: string;
  readonly intValue?: number;
  readonly doubleValue?: number;
}

interface Span {
  readonly name: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly { key: string; value: Value }[];
}

interface Export {
  readonly resourceSpans: readonly {
    readonly resource: { attributes: readonly { key: string; value: Value }[] };
    readonly scopeSpans: readonly { spans: readonly Span[] }[];
  }[];
}

class Collector implements AsyncDisposable {
  readonly exports: Export[] = [];
  readonly #server = createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => {
      this.exports.push(JSON.parse(Buffer.concat(chunks).toString()) as Export);
      res.setHeader('content-type', 'application/json').end('{}');
    });
  });

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${String((this.#server.address() as AddressInfo).port)}/v1/traces`;
  }

  get spans(): Span[] {
    return this.exports.flatMap(({ resourceSpans }) =>
      resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

it('sends one request in so many, with its queue and its device as children', async () => {
  await using collector = new Collector();
  const endpoint = await collector.listen();
  await using service = await TestService.start({
    config: `{ tracing: { endpoint: '${endpoint}', sample_every: 10 }, devices: { disk0: { simulation: { kind: hdd } } } }`,
  });
  const client = await SluiceClient.connect(service.grpc);
  const handle = await client.open('disk0', 'acme/db');
  for (let i = 0; i < 30; i++) await handle.read(i * 4_096, 4_096);
  await client.close();
  expect(await service.end('SIGTERM')).toBe(0);
  const { spans } = collector;
  const roots = spans.filter(({ name }) => name === 'io');
  expect(roots).toHaveLength(3);
  expect(collector.exports[0]!.resourceSpans[0]!.resource.attributes).toContainEqual({
    key: 'service.name',
    value: { stringValue: 'sluice' },
  });
  for (const root of roots) {
    expect(root.attributes).toContainEqual({ key: 'sluice.tag', value: { stringValue: 'acme/db' } });
    expect(root.attributes).toContainEqual({ key: 'sluice.code', value: { stringValue: 'OK' } });
    const children = spans.filter(({ parentSpanId }) => parentSpanId === root.spanId);
    const [queue, device] = [
      children.find(({ name }) => name === 'queue')!,
      children.find(({ name }) => name === 'device')!,
    ];
    expect(children).toHaveLength(2);
    expect(queue.startTimeUnixNano).toBe(root.startTimeUnixNano);
    expect(device.startTimeUnixNano).toBe(queue.endTimeUnixNano);
    expect(device.endTimeUnixNano).toBe(root.endTimeUnixNano);
    expect(BigInt(device.endTimeUnixNano)).toBeGreaterThan(BigInt(device.startTimeUnixNano));
  }
});

it('refuses an endpoint that is no address', async () => {
  const started = TestService.start({ config: "{ tracing: { endpoint: 'collector' } }" });
  await expect(started).rejects.toThrow(/tracing\.endpoint/);
});
