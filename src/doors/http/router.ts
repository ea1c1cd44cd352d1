/** Routes onto express: inputs checked before the handler, every failure as problem details. */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { sep } from 'node:path';
import express, { type Express, type NextFunction, type Request, type RequestHandler, type Response } from 'express';
import helmet from 'helmet';
import { z } from 'zod';
import { SluiceError, invalid } from '../../core/model/errors.js';
import type { Logger } from '../../core/ports.js';
import { parseInput } from './input.js';
import { fromExpress, sendProblem } from './problem.js';
import { JSON_TYPE, type Reply, type Route } from './route.js';

const BODY_BYTES_MAX = 4 * 1_048_576;
const METHOD_NOT_ALLOWED = 405;
const UNSUPPORTED_MEDIA_TYPE = 415;

interface AppParts {
  readonly logger: Logger;
  readonly readOnly: boolean;
  readonly dashboard: string | null;
}

/** The page asks this service alone, and nobody frames it. */
const CONTENT_SECURITY_POLICY = {
  useDefaults: false,
  directives: {
    'default-src': ["'none'"],
    'script-src': ["'self'"],
    'style-src': ["'self'"],
    'img-src': ["'self'"],
    'connect-src': ["'self'"],
    'base-uri': ["'none'"],
    'form-action': ["'none'"],
    'frame-ancestors': ["'none'"],
  },
};

export function makeApp(routes: readonly Route[], { logger, readOnly, dashboard }: AppParts): Express {
  const app = express();
  app.disable('x-powered-by');
  // An entity tag is that of what is stored; a device's answer also says how it stands now, so no
  // answer is "not modified".
  app.disable('etag');
  app.enable('case sensitive routing');
  app.enable('strict routing');
  app.set('query parser', 'simple');
  app.use(helmet({ strictTransportSecurity: false, contentSecurityPolicy: CONTENT_SECURITY_POLICY }));
  app.use(refuseOtherOrigins);
  if (readOnly) app.use(refuseChanges);
  if (dashboard !== null) app.use(page(dashboard));
  for (const [path, group] of byPath(routes)) {
    const allowed = group.map((route) => route.method.toUpperCase());
    const entry = app.route(expressPath(path));
    for (const route of group) entry[route.method](...handlers(route));
    entry.all((req, res) => {
      res.setHeader('Allow', allowed.join(', '));
      const message = `${req.method} is not served at ${path}; allowed are ${allowed.join(', ')}`;
      sendProblem(res, new SluiceError('UNSUPPORTED', message, { field: 'method' }), METHOD_NOT_ALLOWED);
    });
  }
  app.use((req, res) => {
    sendProblem(res, new SluiceError('NOT_FOUND', `nothing is served at ${req.path}; see /openapi.json`));
  });
  app.use((thrown: unknown, req: Request, res: Response, next: NextFunction) => {
    let error = thrown instanceof SluiceError ? thrown : fromExpress(thrown);
    if (error === null) {
      logger.error({ method: req.method, path: req.path, error: String(thrown) }, 'unexpected error');
      error = new SluiceError('INTERNAL', 'unexpected error; the log of the service says more');
    }
    // Too late for an answer: express cuts the connection.
    if (res.headersSent) next(thrown);
    else sendProblem(res, error);
  });
  return app;
}

/** Longest first, so that `{device}:drain` is not taken for a `{device}`. */
function byPath(routes: readonly Route[]): [string, Route[]][] {
  const groups = new Map<string, Route[]>();
  for (const route of routes) groups.set(route.path, [...(groups.get(route.path) ?? []), route]);
  return [...groups].sort(([a], [b]) => b.length - a.length);
}

/** `/v1/devices/{device}/policies/{tag}` -> `/v1/devices/:device/policies/*tag`; a colon that is no parameter is escaped. */
function expressPath(path: string): string {
  return path
    .replaceAll(':', '\\:')
    .replaceAll('{tag}', '*tag')
    .replace(/\{(\w+)\}/g, ':$1');
}

/**
 * A page of another site may send simple requests from a browser that reaches this service, though
 * it cannot read the answers. It may not change anything.
 */
const refuseOtherOrigins: RequestHandler = (req, _res, next) => {
  const { origin, host } = req.headers;
  if (!isSafe(req) && origin !== undefined && hostOf(origin) !== host) {
    throw new SluiceError('PERMISSION_DENIED', `Origin must be this service, got ${origin}`, { field: 'Origin' });
  }
  next();
};

const refuseChanges: RequestHandler = (req, _res, next) => {
  if (!isSafe(req)) {
    throw new SluiceError(
      'PERMISSION_DENIED',
      `${req.method} is refused: this service takes no changes over HTTP (listen.http_read_only)`,
      { field: 'method' },
    );
  }
  next();
};

function isSafe(req: Request): boolean {
  return req.method === 'GET' || req.method === 'HEAD' || req.method === 'OPTIONS';
}

/** The built page. What lies in assets/ has its content in its name and never changes. */
function page(folder: string): RequestHandler {
  return express.static(folder, {
    index: 'index.html',
    redirect: false,
    etag: true,
    setHeaders: (res, path) => {
      const fixed = path.includes(`${sep}assets${sep}`);
      res.setHeader('Cache-Control', fixed ? 'public, max-age=31536000, immutable' : 'no-cache');
    },
  });
}

function hostOf(origin: string): string | null {
  return URL.canParse(origin) ? new URL(origin).host : null;
}

function handlers(route: Route): RequestHandler[] {
  const parse = express.json({ limit: BODY_BYTES_MAX, type: () => true });
  const params = z.strictObject(route.params);
  const query = z.strictObject(route.query);
  const handle: RequestHandler = async (req, res) => {
    const reply = await route.handle({
      params: parseInput(params, plainParams(req), 'path parameter'),
      query: parseInput(query, plainQuery(req), 'query parameter'),
      body: bodyOf(route, req),
      req,
      res,
    });
    if (reply !== null) await send(res, reply);
  };
  return [requireJson, parse, handle];
}

function hasBody(req: Request): boolean {
  return req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0;
}

const requireJson: RequestHandler = (req, res, next) => {
  const type = req.headers['content-type'];
  if (hasBody(req) && type?.split(';')[0]?.trim().toLowerCase() !== 'application/json') {
    sendProblem(res, invalid('Content-Type', 'application/json', type ?? 'none'), UNSUPPORTED_MEDIA_TYPE);
    return;
  }
  next();
};

/** express splits a wildcard at its slashes. */
function plainParams(req: Request): Record<string, string> {
  return Object.fromEntries(
    Object.entries<string | string[]>(req.params).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join('/') : value,
    ]),
  );
}

function plainQuery(req: Request): Record<string, unknown> {
  const query: Record<string, unknown> = { ...req.query };
  for (const [name, value] of Object.entries(query)) {
    if (Array.isArray(value)) throw invalid(name, 'given once', JSON.stringify(value));
  }
  return query;
}

function bodyOf(route: Route, req: Request): unknown {
  // The parser makes an object of an empty body.
  const body: unknown = hasBody(req) ? req.body : undefined;
  if (route.body !== null) return parseInput(route.body, body, 'body field');
  if (body !== undefined) parseInput(z.strictObject({}), body, 'body field');
  return undefined;
}

async function send(res: Response, reply: Reply): Promise<void> {
  res.status(reply.status);
  res.setHeader('Cache-Control', 'no-store');
  if (reply.etag !== undefined) res.setHeader('ETag', `"${reply.etag}"`);
  res.setHeader('Content-Type', reply.stream?.type ?? reply.text?.type ?? JSON_TYPE);
  if (reply.stream !== undefined) {
    await sendPieces(res, reply.stream.pieces);
    return;
  }
  // The line's end is for terminals.
  res.end(reply.text?.body ?? `${JSON.stringify(reply.json)}\n`);
}

/** An error after the first piece cuts the connection: a short answer is never taken for a whole one. */
async function sendPieces(res: Response, pieces: AsyncIterable<string>): Promise<void> {
  try {
    await pipeline(Readable.from(pieces), res);
  } catch (error) {
    // The reader went away: nobody is left to tell.
    if ((error as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
  }
}
