/** Why there is no answer, in words for who looks at the page. */
import { ApiError } from './api.js';

export function reasonOf(error: Error | null): string {
  if (error instanceof ApiError && error.code === 'OUT_OF_RANGE') {
    return 'The service no longer keeps all of this range: its memory for usage is short. Choose a shorter one.';
  }
  return `The service does not answer (${error?.message ?? 'no reason given'}); trying again…`;
}
