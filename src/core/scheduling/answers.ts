/** Answers that are used again, so that a decision allocates nothing. */
import type { Next } from './algorithm.js';

export class GrantAnswer {
  readonly kind = 'grant';
  leaf = -1;
}

export const IDLE: Next = { kind: 'idle' };
