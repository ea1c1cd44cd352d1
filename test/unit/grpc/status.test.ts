import { status } from '@grpc/grpc-js';
import { describe, expect, test } from 'vitest';
import { CODES, RETRY, SluiceError, type ErrorCode } from '../../../src/core/model/errors.js';
import { GRPC_STATUS, toServiceError } from '../../../src/doors/grpc/status.js';
import { decodeStatusDetails, encodeStatusDetails } from '../../../src/wire/status-details.js';

const CODE_NAMES = Object.keys(CODES).filter((code): code is ErrorCode => code !== 'OK');

function detailsOf(error: unknown): ReturnType<typeof decodeStatusDetails> {
  return decodeStatusDetails(toServiceError(error).metadata.get('grpc-status-details-bin')[0] as Buffer);
}

describe('an error as the status of a call', () => {
  test.each(CODE_NAMES)('%s', (code) => {
    const error = toServiceError(new SluiceError(code, 'what is wrong'));
    expect(error.code).toBe(GRPC_STATUS[code]);
    expect(error.code).not.toBe(status.OK);
    expect(error.details).toBe('what is wrong');
    expect(detailsOf(new SluiceError(code, 'what is wrong'))).toEqual({
      code,
      message: 'what is wrong',
      field: undefined,
      retryAfterMs: RETRY[code] === 'later' ? 100 : undefined,
    });
  });

  test('names the field and when to come back', () => {
    const error = new SluiceError('STORE_UNAVAILABLE', 'no', { field: 'a.b', retryAfterMs: 1_250.5 });
    expect(detailsOf(error)).toEqual({ code: 'STORE_UNAVAILABLE', message: 'no', field: 'a.b', retryAfterMs: 1_250.5 });
  });

  test('what is no error of ours is INTERNAL', () => {
    expect(toServiceError(new TypeError('x is undefined'))).toMatchObject({
      code: status.INTERNAL,
      details: 'x is undefined',
    });
  });

  test('details of another service are none of ours', () => {
    const foreign = encodeStatusDetails(3, { code: 'NO_SUCH_CODE' as ErrorCode, message: 'm' });
    expect(decodeStatusDetails(foreign)).toBeNull();
    expect(decodeStatusDetails(Buffer.alloc(0))).toBeNull();
  });
});
