/** What Redis and the way there say, in this project's codes: a failure of the store is never taken for a refusal. */
import { SluiceError } from '../../core/model/errors.js';

/** Redis cannot serve now, and may soon: starting, failing over, a slot without a master, out of memory, a disk that fails. */
const PASSING = new Set([
  'LOADING',
  'MASTERDOWN',
  'READONLY',
  'CLUSTERDOWN',
  'TRYAGAIN',
  'MOVED',
  'ASK',
  'UNBLOCKED',
  'BUSY',
  'OOM',
  'MISCONF',
  'NOREPLICAS',
]);

/** First word of a reply error, as `NOSCRIPT`; '' for any other error. */
export function replyCode(error: unknown): string {
  if (!(error instanceof Error) || error.name !== 'ReplyError') return '';
  return /^-?([A-Z]+)\b/.exec(error.message)?.[1] ?? '';
}

/** @param shown the store's URL without credentials */
export function storeError(shown: string, error: unknown): SluiceError {
  if (error instanceof SluiceError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const code = replyCode(error);
  if (code === '' || PASSING.has(code)) {
    return new SluiceError('STORE_UNAVAILABLE', `store ${shown} does not answer: ${message}`, { cause: error });
  }
  if (code === 'NOPERM' || message.includes('ACL failure')) {
    return new SluiceError('STORE_UNAVAILABLE', `store ${shown} does not permit it: ${message}`, { cause: error });
  }
  if (code === 'NOAUTH' || code === 'WRONGPASS') {
    return new SluiceError('STORE_UNAVAILABLE', `store ${shown} does not take user or password: ${message}`, {
      cause: error,
    });
  }
  return new SluiceError('INTERNAL', `store ${shown}: ${message}`, { cause: error });
}
