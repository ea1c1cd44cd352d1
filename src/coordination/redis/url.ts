/** Where a store in Redis is, as one URL. */
import { SluiceError, invalid } from '../../core/model/errors.js';

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

interface Common {
  /** The URL without user and password: for logs and errors. */
  readonly shown: string;
  readonly tls: boolean;
  readonly user: string;
  /** '' = none in the URL. */
  readonly password: string;
  readonly db: number;
}

/** `single`: one server; `unix`: one by its socket; `sentinel`: the master of a name; `cluster`: some of its nodes. */
export type StoreUrl = Common &
  (
    | { readonly kind: 'single'; readonly endpoint: Endpoint }
    | { readonly kind: 'unix'; readonly path: string }
    | { readonly kind: 'sentinel'; readonly endpoints: readonly Endpoint[]; readonly name: string }
    | { readonly kind: 'cluster'; readonly endpoints: readonly Endpoint[] }
  );

export const STORE_URL_ALLOWED =
  'redis://[USER:PASSWORD@]HOST[:PORT][/DB], redis+unix:///PATH[?db=DB], redis+sentinel://HOST:PORT,…/NAME[/DB] or redis+cluster://HOST:PORT,… (rediss for TLS)';

const FORM = /^(rediss?)(?:\+(unix|sentinel|cluster))?:\/\/(?:([^@/]*)@)?([^/?]*)(\/[^?]*)?(?:\?db=(\d+))?$/;
const REDIS_PORT = 6_379;
const SENTINEL_PORT = 26_379;
const DB_MAX = 15;

/** Whether the text means Redis at all, well-formed or not. */
export function meansRedis(text: string): boolean {
  return /^rediss?(\+[a-z]+)?:/.test(text);
}

/** Any text that may be a store's URL, without what may be a password: everything up to the last @. */
export function withoutCredentials(text: string): string {
  return text.replace(/^([a-z+]*:\/*).*@/s, '$1');
}

/**
 * Reads a store's URL; user and password are percent-encoded in it.
 * @throws SluiceError INVALID_ARGUMENT, without the password
 */
export function parseStoreUrl(text: string, field = 'store'): StoreUrl {
  const shown = withoutCredentials(text);
  const match = FORM.exec(text);
  if (match === null) throw invalid(field, STORE_URL_ALLOWED, shown);
  const [, scheme, form, login, hosts, path = '', dbParameter] = match;
  const tls = scheme === 'rediss';
  const colon = (login ?? '').indexOf(':');
  const user = decode(colon < 0 ? (login ?? '') : login!.slice(0, colon), shown, field);
  const password = colon < 0 ? '' : decode(login!.slice(colon + 1), shown, field);
  const base = { shown, tls, user, password };
  if (dbParameter !== undefined && form !== 'unix') throw invalid(field, STORE_URL_ALLOWED, shown);
  switch (form) {
    case 'unix':
      if (hosts !== '' || path.length < 2 || tls) throw invalid(field, 'redis+unix:///PATH[?db=DB]', shown);
      return { ...base, kind: 'unix', path: decode(path, shown, field), db: readDb(dbParameter, shown, field) };
    case 'sentinel': {
      const [, name, db, ...more] = path.split('/');
      if (name === undefined || name === '' || more.length > 0) {
        throw invalid(field, 'redis+sentinel://HOST:PORT,…/NAME[/DB] with the name of the master', shown);
      }
      const endpoints = readEndpoints(hosts!, SENTINEL_PORT, shown, field);
      return { ...base, kind: 'sentinel', endpoints, name, db: readDb(db, shown, field) };
    }
    case 'cluster':
      if (path !== '' && path !== '/') throw invalid(field, 'redis+cluster://HOST:PORT,… (a cluster has no DB)', shown);
      return { ...base, kind: 'cluster', endpoints: readEndpoints(hosts!, REDIS_PORT, shown, field), db: 0 };
    default: {
      const endpoints = readEndpoints(hosts!, REDIS_PORT, shown, field);
      if (endpoints.length > 1 || path.split('/').length > 2) throw invalid(field, STORE_URL_ALLOWED, shown);
      return { ...base, kind: 'single', endpoint: endpoints[0]!, db: readDb(path.slice(1), shown, field) };
    }
  }
}

function decode(text: string, shown: string, field: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new SluiceError('INVALID_ARGUMENT', `${field} ${shown}: a part of it is not percent-encoded as it must be`, {
      field,
    });
  }
}

function readEndpoints(text: string, defaultPort: number, shown: string, field: string): Endpoint[] {
  return text.split(',').map((part) => {
    const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]+))(?::(\d{1,5}))?$/.exec(part);
    const host = match?.[1] ?? match?.[2];
    const port = match?.[3] === undefined ? defaultPort : Number(match[3]);
    if (host === undefined || port < 1 || port > 65_535) throw invalid(field, STORE_URL_ALLOWED, shown);
    return { host, port };
  });
}

function readDb(text: string | undefined, shown: string, field: string): number {
  if (text === undefined || text === '') return 0;
  const db = Number(text);
  if (!/^\d+$/.test(text) || db > DB_MAX) throw invalid(field, `a URL with a DB 0..${String(DB_MAX)}`, shown);
  return db;
}
