/** Pages: a token says, opaquely, after which key the next page begins, so pages hold while others write. */
import { invalid } from '../core/model/errors.js';

const PAGE_SIZE_DEFAULT = 100;
export const PAGE_SIZE_MAX = 1_000;

/** @throws SluiceError INVALID_ARGUMENT */
export function checkPageSize(pageSize: number): number {
  if (!Number.isInteger(pageSize) || pageSize < 0 || pageSize > PAGE_SIZE_MAX) {
    throw invalid('page_size', `an integer 0..${String(PAGE_SIZE_MAX)} (0 = ${String(PAGE_SIZE_DEFAULT)})`, pageSize);
  }
  return pageSize === 0 ? PAGE_SIZE_DEFAULT : pageSize;
}

/** @param list names what is listed: a token of one list is no token of another */
export function pageToken(list: string, key: readonly string[]): string {
  return Buffer.from(JSON.stringify([list, ...key])).toString('base64url');
}

/**
 * The key in a token; null for the empty token, which asks for the first page.
 * @throws SluiceError INVALID_ARGUMENT
 */
export function readPageToken(list: string, token: string, parts: number): string[] | null {
  if (token === '') return null;
  const key = parse(token);
  if (
    !Array.isArray(key) ||
    key.length !== parts + 1 ||
    key[0] !== list ||
    !key.every((part) => typeof part === 'string')
  ) {
    throw invalid('page_token', 'empty or the next_page_token of an earlier answer to the same list', token);
  }
  return key.slice(1);
}

function parse(token: string): unknown {
  try {
    return JSON.parse(Buffer.from(token, 'base64url').toString());
  } catch {
    return null;
  }
}
