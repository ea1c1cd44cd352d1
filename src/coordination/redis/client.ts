/** From a store's URL to an ioredis client: one server, Sentinel or Cluster. */
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import type { StoreUrl } from './url.js';

/** Files' contents in PEM. */
export interface StoreTls {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

export interface ClientSettings {
  readonly url: StoreUrl;
  readonly password: string;
  readonly tls: StoreTls;
  /** Name that CLIENT LIST shows. */
  readonly name: string;
  readonly connectTimeoutMs: number;
  /** How long a command waits for its reply. */
  readonly commandTimeoutMs: number;
  /** Milliseconds until the next try, null = no more. */
  readonly retryMs: (attempt: number) => number | null;
}

export type Client = Redis | Cluster;

/** A socket that has said nothing for this many command timeouts is dead: closed, and connected anew. */
const DEAD_AFTER_TIMEOUTS = 2;

export function makeClient(settings: ClientSettings): Client {
  const { url, password, tls, retryMs } = settings;
  const tlsOptions = url.tls ? { tls: { ...tls } } : {};
  const options: Omit<RedisOptions, 'replyMapping'> = {
    ...tlsOptions,
    ...(url.user === '' ? {} : { username: url.user }),
    ...(password === '' ? {} : { password }),
    db: url.db,
    connectionName: settings.name,
    disableClientInfo: true,
    lazyConnect: true,
    connectTimeout: settings.connectTimeoutMs,
    commandTimeout: settings.commandTimeoutMs,
    socketTimeout: settings.commandTimeoutMs * DEAD_AFTER_TIMEOUTS,
    keepAlive: 10_000,
    // What is not answered before the connection ends fails at once: whether to say it again is for
    // the one who knows what a repeat means.
    autoResendUnfulfilledCommands: false,
    // Subscriptions are made anew by their owner: those that ioredis makes fail unheard when the
    // connection ends again, and an unheard rejection ends the process.
    autoResubscribe: false,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
  };
  // Type arguments are what they would be by themselves: to infer them from the options takes the compiler two
  // fifths of the time that it has for the whole service.
  switch (url.kind) {
    case 'single':
      return new Redis<'legacy'>({
        ...options,
        host: url.endpoint.host,
        port: url.endpoint.port,
        retryStrategy: retryMs,
      });
    case 'unix':
      return new Redis<'legacy'>({ ...options, path: url.path, retryStrategy: retryMs });
    case 'sentinel':
      return new Redis<'legacy'>({
        ...options,
        sentinels: [...url.endpoints],
        name: url.name,
        enableTLSForSentinelMode: url.tls,
        ...(url.tls ? { sentinelTLS: { ...tls } } : {}),
        sentinelCommandTimeout: settings.commandTimeoutMs,
        sentinelRetryStrategy: retryMs,
        retryStrategy: retryMs,
        // A master that became a replica answers READONLY: ask the Sentinels anew.
        reconnectOnError: (error) => error.message.startsWith('READONLY'),
        failoverDetector: true,
      });
    case 'cluster':
      return new Cluster<'legacy'>([...url.endpoints], {
        redisOptions: options,
        lazyConnect: true,
        enableOfflineQueue: false,
        shardedSubscribers: true,
        // A slot without a master is its keys' trouble: the others are served.
        enableReadyCheck: false,
        slotsRefreshTimeout: settings.connectTimeoutMs,
        slotsRefreshInterval: 5_000,
        clusterRetryStrategy: retryMs,
        clusterNodeRetryStrategy: retryMs,
        // Nodes say of themselves where they are: names are not looked up again.
        dnsLookup: (address, callback) => callback(null, address),
      });
  }
}
