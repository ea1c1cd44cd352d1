/** What a request brings, checked against its schema: unknown names are errors, messages name the field. */
import type { Request } from 'express';
import { z } from 'zod';
import { SluiceError, invalid, show } from '../../core/model/errors.js';
import { CREATE_ONLY } from '../../core/model/etag.js';

/**
 * @param where `query parameter` or `body field`, for names that are not known
 * @throws SluiceError INVALID_ARGUMENT
 */
export function parseInput<T>(schema: z.ZodType<T>, value: unknown, where: string): T {
  const parsed = schema.safeParse(value, { reportInput: true });
  if (parsed.success) return parsed.data;
  throw describe(deepest(parsed.error.issues[0]!), where);
}

type Issue = z.core.$ZodIssue;

/** Of a union, what its last form says: the most general one. */
function deepest(issue: Issue): Issue {
  if (issue.code !== 'invalid_union') return issue;
  const inner = issue.errors.at(-1)?.[0];
  return inner === undefined ? issue : deepest({ ...inner, path: [...issue.path, ...inner.path] });
}

function describe(issue: Issue, where: string): SluiceError {
  const path = nameOf(issue.path);
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys[0]!;
    const field = path === '' ? key : `${path}.${key}`;
    return new SluiceError('INVALID_ARGUMENT', `unknown ${where} ${show(field)}`, { field });
  }
  const field = path === '' ? 'body' : path;
  if (issue.input === undefined) return new SluiceError('INVALID_ARGUMENT', `${field} is required`, { field });
  return invalid(field, allowed(issue), plain(issue.input));
}

function nameOf(path: readonly PropertyKey[]): string {
  return path.reduce<string>((name, part) => {
    if (typeof part === 'number') return `${name}[${String(part)}]`;
    return name === '' ? String(part) : `${name}.${String(part)}`;
  }, '');
}

function allowed(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `of type ${issue.expected}`;
    case 'invalid_value':
      return `one of ${issue.values.map(String).join(', ')}`;
    case 'too_small':
      return `${issue.inclusive === false ? 'above' : 'at least'} ${String(issue.minimum)}`;
    case 'too_big':
      return `${issue.inclusive === false ? 'below' : 'at most'} ${String(issue.maximum)}`;
    case 'invalid_format':
    case 'not_multiple_of':
    case 'unrecognized_keys':
    case 'invalid_union':
    case 'invalid_key':
    case 'invalid_element':
    case 'custom':
      return issue.message;
  }
}

function plain(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : value;
}

/** What a writer demands of what is there. */
export type Precondition =
  | { readonly kind: 'none' }
  /** `If-None-Match: *` */
  | { readonly kind: 'absent' }
  /** `If-Match: *` */
  | { readonly kind: 'present' }
  | { readonly kind: 'etag'; readonly etag: string };

/**
 * From If-Match, If-None-Match and the body's own etag.
 * @throws SluiceError INVALID_ARGUMENT
 */
export function preconditionOf(req: Request, bodyEtag = ''): Precondition {
  const ifMatch = req.headers['if-match'];
  const ifNoneMatch = req.headers['if-none-match'];
  if (ifNoneMatch !== undefined) {
    if (ifNoneMatch.trim() !== '*') throw invalid('If-None-Match', '* where something is written', ifNoneMatch);
    if (ifMatch !== undefined) throw invalid('If-Match', 'absent beside If-None-Match', ifMatch);
    if (bodyEtag !== '' && bodyEtag !== CREATE_ONLY) throw invalid('etag', 'absent beside If-None-Match', bodyEtag);
    return { kind: 'absent' };
  }
  if (ifMatch === undefined) {
    if (bodyEtag === '') return { kind: 'none' };
    return bodyEtag === CREATE_ONLY ? { kind: 'absent' } : { kind: 'etag', etag: bodyEtag };
  }
  if (ifMatch.trim() === '*') return { kind: 'present' };
  const etag = /^\s*"([\x21\x23-\x7e]+)"\s*$/.exec(ifMatch)?.[1];
  if (etag === undefined || etag === CREATE_ONLY) {
    throw invalid('If-Match', '* or one strong entity tag in double quotes', ifMatch);
  }
  if (bodyEtag !== '' && bodyEtag !== etag) throw invalid('etag', `absent or as in If-Match (${etag})`, bodyEtag);
  return { kind: 'etag', etag };
}

/**
 * The etag for a use case.
 * @param present asks for the etag of what is there; throws NOT_FOUND where nothing is
 */
export async function etagFor(precondition: Precondition, present: () => Promise<string>): Promise<string> {
  switch (precondition.kind) {
    case 'none':
      return '';
    case 'absent':
      return CREATE_ONLY;
    case 'etag':
      return precondition.etag;
    case 'present':
      try {
        return await present();
      } catch (error) {
        if (SluiceError.from(error).code !== 'NOT_FOUND') throw error;
        throw new SluiceError('ETAG_MISMATCH', `If-Match: * and ${SluiceError.from(error).message}`, { cause: error });
      }
  }
}
