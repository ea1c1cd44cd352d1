/** The HTTP door: the control plane, usage and health of the service, for people and their tools. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Devices } from '../../control/devices.js';
import type { Policies } from '../../control/policies.js';
import type { Usage } from '../../control/usage.js';
import { invalid } from '../../core/model/errors.js';
import { NS_PER_MS } from '../../core/model/units.js';
import type { CoordinationNow, Clock, Logger, ServedDevices } from '../../core/ports.js';
import type { Ledger } from '../../core/usage.js';
import { Metrics } from '../../telemetry/metrics.js';
import { deviceRoutes } from './device-routes.js';
import { LiveStreams } from './live.js';
import { policyRoutes } from './policy-routes.js';
import type { Route } from './route.js';
import { makeApp } from './router.js';
import { serviceRoutes, type ReadinessNow, type ServiceNow } from './service-routes.js';
import { usageRoutes } from './usage-routes.js';

export interface HttpDoorParts {
  readonly policies: Policies;
  readonly devices: Devices;
  readonly usage: Usage;
  readonly served: ServedDevices;
  /** What this host counts, by device: for /metrics. */
  readonly ledgers: () => ReadonlyMap<string, Ledger>;
  /** How this host stands with others; absent where it is alone. */
  readonly coordination?: () => readonly CoordinationNow[];
  readonly clock: Clock;
  readonly logger: Logger;
  readonly readiness: () => ReadinessNow;
  readonly service: () => ServiceNow;
  /** Changes over HTTP are refused. */
  readonly readOnly: boolean;
  /** The folder of the built page, served at `/`; null = none. */
  readonly dashboard: string | null;
}

const CONNECTIONS_MAX = 1_024;
const REQUEST_TIMEOUT_MS = 30_000;

/** What it takes is loaded for who asks: a tenth of a start. */
async function describe(routes: readonly Route[]): Promise<object> {
  const { openApiDocument } = await import('./openapi.js');
  return openApiDocument(routes);
}

export class HttpDoor {
  private readonly server: Server;
  private readonly live: LiveStreams;
  private readonly clock: Clock;
  /** Resolves when the last connection is gone; null until the door begins to shut. */
  private shut: Promise<void> | null = null;

  constructor(parts: HttpDoorParts) {
    this.clock = parts.clock;
    this.live = new LiveStreams(parts.usage, parts.served);
    let document: Promise<object> | null = null;
    const routes: Route[] = [
      ...policyRoutes(parts.policies),
      ...deviceRoutes(parts.devices),
      ...usageRoutes(parts.usage, this.live),
      ...serviceRoutes({
        readiness: parts.readiness,
        service: parts.service,
        metrics: new Metrics(parts.ledgers, parts.served, parts.coordination),
        document: () => (document ??= describe(routes)),
      }),
    ];
    this.server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, makeApp(routes, parts));
    this.server.maxConnections = CONNECTIONS_MAX;
    // A connection that has had its last answer would be kept alive for the next request otherwise.
    this.server.on('request', (_req, res) => {
      res.on('close', () => {
        if (this.shut !== null) setImmediate(() => this.server.closeIdleConnections());
      });
    });
  }

  /**
   * @param port 0 = any free one
   * @returns the port
   * @throws SluiceError INVALID_ARGUMENT naming the address, where it cannot be had
   */
  listen(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const failed = (error: Error): void => {
        reject(
          invalid('listen.http', `an address that can be listened at (${error.message})`, `${host}:${String(port)}`),
        );
      };
      this.server.once('error', failed);
      this.server.listen(port, host, () => {
        this.server.off('error', failed);
        resolve((this.server.address() as AddressInfo).port);
      });
    });
  }

  /** Ends live streams, takes no connection, answers what was asked; at most graceMs long. */
  async drain(graceMs: number): Promise<void> {
    this.live.drain();
    const shut = this.stopListening();
    await new Promise<void>((resolve) => {
      const grace = this.clock.after(graceMs * NS_PER_MS, resolve);
      void shut.then(() => {
        grace.cancel();
        resolve();
      });
    });
  }

  /** Ends every connection. */
  async close(): Promise<void> {
    this.live.drain();
    const shut = this.stopListening();
    this.server.closeAllConnections();
    await shut;
  }

  private stopListening(): Promise<void> {
    this.shut ??= new Promise((resolve) => {
      // An error here says that it never listened.
      this.server.close(() => resolve());
    });
    return this.shut;
  }
}
