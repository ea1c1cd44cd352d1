/** Replies that the client itself gives, in the shape of those that hosts send. */
import { CODES, type Code } from '../core/model/errors.js';
import type { IoReply } from './request.js';

const NO_DATA = Buffer.alloc(0);

export function localReply(id: number, code: Code, message: string, attempt: number): IoReply {
  return {
    id,
    code: CODES[code],
    message,
    data: NO_DATA,
    behindOwnUs: 0,
    limitUs: 0,
    shareUs: 0,
    slotsUs: 0,
    coordinationUs: 0,
    serviceUs: 0,
    attempt,
    cost: 0,
  };
}
