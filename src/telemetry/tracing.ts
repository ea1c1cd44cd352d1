/**
 * One request in so many as an OpenTelemetry trace: a span `io` with the children `queue` and
 * `device`. Spans are made when the request is answered, from the times that it carries, so that a
 * request that is not sampled costs a counter. The packages are optional: they are loaded where
 * tracing is configured, and only then have to be there.
 */
import type { Attributes, Context, Span, SpanStatusCode, Tracer } from '@opentelemetry/api';
import { SluiceError } from '../core/model/errors.js';
import { OP_NAMES } from '../core/model/request.js';
import { NS_PER_MS, NS_PER_US } from '../core/model/units.js';
import type { PendingIo } from '../core/pending-io.js';
import type { Clock, IoObserver } from '../core/ports.js';

export interface TracingOptions {
  /** Of a collector: OTLP over HTTP. */
  readonly endpoint: string;
  /** One request in so many. */
  readonly sampleEvery: number;
}

const PACKAGES = '@opentelemetry/api @opentelemetry/sdk-trace-node @opentelemetry/exporter-trace-otlp-http';

/** The parts of the API that a span is made of, loaded at run time. */
interface Api {
  readonly tracer: Tracer;
  readonly root: Context;
  readonly below: (span: Span) => Context;
  readonly errorStatus: SpanStatusCode;
  readonly shutdown: () => Promise<void>;
}

export class IoTraces implements IoObserver {
  private readonly api: Api;
  private readonly clock: Clock;
  private readonly every: number;
  private untilNext: number;

  private constructor(api: Api, clock: Clock, every: number) {
    this.api = api;
    this.clock = clock;
    this.every = every;
    this.untilNext = every;
  }

  /** @throws SluiceError UNSUPPORTED where the packages are not installed, naming them */
  static async start(options: TracingOptions, clock: Clock): Promise<IoTraces> {
    return new IoTraces(await loadApi(options.endpoint), clock, options.sampleEvery);
  }

  served(device: string, tag: string, io: PendingIo): void {
    this.untilNext -= 1;
    if (this.untilNext > 0) return;
    this.untilNext = this.every;
    const nowNs = this.clock.nowNs();
    const wallMs = this.clock.wallMs();
    const at = (ns: number): number => wallMs - (nowNs - ns) / NS_PER_MS;
    const { tracer, root, below, errorStatus } = this.api;
    const submittedNs = io.arrivedNs + io.queueNs;
    const endNs = submittedNs + io.serviceNs;
    const span = tracer.startSpan(
      'io',
      { startTime: at(io.arrivedNs), attributes: attributesOf(device, tag, io) },
      root,
    );
    const context = below(span);
    tracer
      .startSpan('queue', { startTime: at(io.arrivedNs), attributes: queueAttributes(io) }, context)
      .end(at(submittedNs));
    tracer.startSpan('device', { startTime: at(submittedNs) }, context).end(at(endNs));
    if (io.code !== 'OK') span.setStatus({ code: errorStatus, message: `${io.code}: ${io.message}` });
    span.end(at(endNs));
  }

  /** Sends what is left; what a collector does not take is lost. */
  async close(): Promise<void> {
    await this.api.shutdown().catch(() => undefined);
  }
}

function attributesOf(device: string, tag: string, io: PendingIo): Attributes {
  return {
    'sluice.device': device,
    'sluice.tag': tag,
    'sluice.op': OP_NAMES[io.op],
    'sluice.offset': io.offset,
    'sluice.length_bytes': io.lengthBytes,
    'sluice.cost': io.charged,
    'sluice.code': io.code,
    'sluice.attempt': io.attempt,
  };
}

function queueAttributes(io: PendingIo): Attributes {
  return {
    'sluice.queue.behind_own_us': io.behindOwnNs / NS_PER_US,
    'sluice.queue.limit_us': io.limitNs / NS_PER_US,
    'sluice.queue.share_us': io.shareNs / NS_PER_US,
    'sluice.queue.slots_us': io.slotsNs / NS_PER_US,
    'sluice.queue.coordination_us': io.coordinationNs / NS_PER_US,
  };
}

async function loadApi(endpoint: string): Promise<Api> {
  let modules;
  try {
    modules = await Promise.all([
      import('@opentelemetry/api'),
      import('@opentelemetry/sdk-trace-node'),
      import('@opentelemetry/exporter-trace-otlp-http'),
    ]);
  } catch (error) {
    throw new SluiceError('UNSUPPORTED', `tracing needs packages that are not here: npm install ${PACKAGES}`, {
      field: 'tracing',
      cause: error,
    });
  }
  const [api, { NodeTracerProvider, BatchSpanProcessor }, { OTLPTraceExporter }] = modules;
  const provider = new NodeTracerProvider({
    resource: SERVICE,
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter({ url: endpoint }))],
  });
  return {
    tracer: provider.getTracer('sluice'),
    root: api.ROOT_CONTEXT,
    below: (span) => api.trace.setSpan(api.ROOT_CONTEXT, span),
    errorStatus: api.SpanStatusCode.ERROR,
    shutdown: () => provider.shutdown(),
  };
}

/** What sends the spans. */
const SERVICE = {
  attributes: { 'service.name': 'sluice' },
  asyncAttributesPending: false,
  merge: () => SERVICE,
  getRawAttributes: (): [string, string][] => [['service.name', 'sluice']],
};
