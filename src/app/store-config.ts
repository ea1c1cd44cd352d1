/** Where the shared store is and how this host reaches it: the `store` keys of the configuration. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { SluiceError, invalid } from '../core/model/errors.js';
import { OUTAGE_RULES, coordinationOptions, type CoordinationOptions } from '../coordination/exchange/options.js';
import type { StoreTls } from '../coordination/redis/client.js';
import {
  STORE_URL_ALLOWED,
  meansRedis,
  parseStoreUrl,
  withoutCredentials,
  type StoreUrl,
} from '../coordination/redis/url.js';

export const storeShape = {
  store: z.string().default('memory'),
  data_dir: z.string().min(1).optional(),
  store_password_file: z.string().min(1).optional(),
  store_tls: z
    .strictObject({
      ca: z.string().min(1).optional(),
      cert: z.string().min(1).optional(),
      key: z.string().min(1).optional(),
    })
    .optional(),
  store_restore_ms: z.number().int().min(0).max(600_000).default(3_000),
  coordination: z
    .strictObject({
      lease_ms: z.number().optional(),
      grace_ms: z.number().optional(),
      outage: z.enum(OUTAGE_RULES).optional(),
      report_ms: z.number().optional(),
    })
    .optional(),
  workers: z.number().int().min(1).max(256).default(1),
};

type RawStore = z.output<z.ZodObject<typeof storeShape>>;

export interface StoreConfig {
  readonly url: StoreUrl;
  /** From the file; '' = the one of the URL. */
  readonly password: string;
  readonly tls: StoreTls;
  /** After the store was found empty: how long hosts may bring back what they hold before a write is taken. */
  readonly restoreMs: number;
  readonly coordination: CoordinationOptions;
}

/** @returns null for the store in memory @throws SluiceError INVALID_ARGUMENT, without any password */
export function completeStore(raw: RawStore): StoreConfig | null {
  if (!meansRedis(raw.store)) {
    if (raw.store !== 'memory') throw invalid('store', `memory or ${STORE_URL_ALLOWED}`, withoutCredentials(raw.store));
    checkMemory(raw);
    return null;
  }
  const url = parseStoreUrl(raw.store);
  if (raw.data_dir !== undefined) {
    throw new SluiceError(
      'INVALID_ARGUMENT',
      `data_dir must come with store memory, got ${url.shown}: what hosts share is kept in Redis`,
      { field: 'data_dir' },
    );
  }
  if (raw.store_tls !== undefined && !url.tls) {
    throw new SluiceError('INVALID_ARGUMENT', `store_tls must come with a rediss:// store, got ${url.shown}`, {
      field: 'store_tls',
    });
  }
  if (raw.store_password_file !== undefined && url.password !== '') {
    throw new SluiceError('INVALID_ARGUMENT', 'store_password_file must not come with a password in store as well', {
      field: 'store_password_file',
    });
  }
  const { ca, cert, key } = raw.store_tls ?? {};
  return {
    url,
    password: raw.store_password_file === undefined ? '' : read('store_password_file', raw.store_password_file).trim(),
    tls: {
      ...(ca === undefined ? {} : { ca: read('store_tls.ca', ca) }),
      ...(cert === undefined ? {} : { cert: read('store_tls.cert', cert) }),
      ...(key === undefined ? {} : { key: read('store_tls.key', key) }),
    },
    restoreMs: raw.store_restore_ms,
    coordination: coordinationOptions(readCoordination(raw)),
  };
}

function readCoordination({ coordination = {} }: RawStore): Partial<CoordinationOptions> {
  const { lease_ms: leaseMs, grace_ms: graceMs, outage, report_ms: reportMs } = coordination;
  return {
    ...(leaseMs === undefined ? {} : { leaseMs }),
    ...(graceMs === undefined ? {} : { graceMs }),
    ...(outage === undefined ? {} : { outage }),
    ...(reportMs === undefined ? {} : { reportMs }),
  };
}

function checkMemory(raw: RawStore): void {
  if (raw.workers > 1) {
    throw new SluiceError(
      'INVALID_ARGUMENT',
      `workers must be 1 with store memory, got ${String(raw.workers)}: more than one needs a Redis store that they share`,
      { field: 'workers' },
    );
  }
  for (const field of ['store_password_file', 'store_tls', 'coordination'] as const) {
    if (raw[field] === undefined) continue;
    throw new SluiceError('INVALID_ARGUMENT', `${field} must come with a Redis store, got store memory`, { field });
  }
}

function read(field: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw invalid(field, `a file that can be read (${(error as Error).message})`, file);
  }
}
