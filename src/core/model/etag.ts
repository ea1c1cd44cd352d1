/** What a writer may demand of what is there: the one rule of all stores and of dry runs. */
import { SluiceError, show } from './errors.js';

/** Stands for "only where nothing is there". */
export const CREATE_ONLY = '*';

/**
 * @param what names the thing in messages, as `policy acme/db on device *`
 * @param present the etag of what is there, null where nothing is
 * @param wanted '' whatever is there, '*' only where nothing is, else only over that etag
 * @throws SluiceError ALREADY_EXISTS, ETAG_MISMATCH
 */
export function checkEtag(what: string, present: string | null, wanted: string): void {
  if (wanted === '') return;
  if (wanted === CREATE_ONLY) {
    if (present !== null) throw new SluiceError('ALREADY_EXISTS', `${what} exists already`, { field: 'etag' });
    return;
  }
  if (present === wanted) return;
  const is = present === null ? 'it does not exist' : `it is ${show(present)}`;
  throw new SluiceError('ETAG_MISMATCH', `${what} must have etag ${show(wanted)}, ${is}`, { field: 'etag' });
}
