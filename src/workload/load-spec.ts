/**
 * What an application of made-up load does, as text:
 *
 *   acme/db:shares=3,outstanding=16,op=randrw,reads=70,size=8k
 *
 * A tag, then any of the keys below, in any order. Each key once; unknown keys are errors.
 */
import { SluiceError, invalid } from '../core/model/errors.js';
import { SHARES_DEFAULT, SHARES_MAX, SHARES_MIN } from '../core/model/policy.js';
import { checkTag } from '../core/model/tag.js';
import { KIB, MIB } from '../core/model/units.js';
import { parseInteger, parseNumber, parseSizeBytes, parseTimeNs } from './quantity.js';

export const LOAD_OPS = ['read', 'write', 'rw', 'randread', 'randwrite', 'randrw', 'flush', 'trim'] as const;
/** As fio names them; `trim` is random, `flush` has no place. */
export type LoadOp = (typeof LOAD_OPS)[number];

export interface LoadSpec {
  readonly tag: string;
  readonly shares: number;
  readonly op: LoadOp;
  /** Per cent of rw and randrw that read. */
  readonly readPercent: number;
  readonly sizeBytes: number;
  /** Closed loop; ignored with a rate. 0: the caller's default. */
  readonly outstanding: number;
  readonly thinkNs: number;
  /** Open loop, requests a second, arriving at random (Poisson); 0: closed loop. */
  readonly ratePerS: number;
  /** Most requests in all; 0: no bound. */
  readonly requests: number;
  /** Where on the device: from this byte, so many bytes; 0 bytes: to the end. */
  readonly regionOffset: number;
  readonly regionBytes: number;
}

const OUTSTANDING_MAX = 65_536;
const LOAD_KEYS = 'shares, op, reads, size, outstanding, think, rate, requests, region';

type Draft = { -readonly [K in keyof LoadSpec]: LoadSpec[K] };

/** @throws SluiceError INVALID_ARGUMENT naming the tag, the key, the value and what is allowed */
export function parseLoadSpec(text: string): LoadSpec {
  const colon = text.indexOf(':');
  const tag = checkTag(colon < 0 ? text : text.slice(0, colon), '--tag');
  const draft: Draft = {
    tag,
    shares: SHARES_DEFAULT,
    op: 'randread',
    readPercent: 50,
    sizeBytes: 4 * KIB,
    outstanding: 0,
    thinkNs: 0,
    ratePerS: 0,
    requests: 0,
    regionOffset: 0,
    regionBytes: 0,
  };
  const given = new Set<string>();
  for (const part of colon < 0 ? [] : text.slice(colon + 1).split(',')) {
    const equals = part.indexOf('=');
    const key = equals < 0 ? part : part.slice(0, equals);
    if (given.has(key))
      throw new SluiceError('INVALID_ARGUMENT', `--tag ${tag}: ${key} is given twice`, { field: '--tag' });
    given.add(key);
    if (equals < 0) throw invalid(`--tag ${tag}: each part`, `key=value with key one of ${LOAD_KEYS}`, part);
    put(draft, key, part.slice(equals + 1));
  }
  if (draft.ratePerS > 0 && draft.thinkNs > 0) {
    throw new SluiceError(
      'INVALID_ARGUMENT',
      `--tag ${tag}: think is of a closed loop and rate of an open one; give one`,
      {
        field: '--tag',
      },
    );
  }
  return draft;
}

function put(draft: Draft, key: string, value: string): void {
  const field = `--tag ${draft.tag}: ${key}`;
  switch (key) {
    case 'shares':
      draft.shares = parseInteger(value, SHARES_MIN, SHARES_MAX, field);
      break;
    case 'op': {
      const op = LOAD_OPS.find((name) => name === value);
      if (op === undefined) throw invalid(field, `one of ${LOAD_OPS.join(', ')}`, value);
      draft.op = op;
      break;
    }
    case 'reads':
      draft.readPercent = parseInteger(value.replace(/%$/, ''), 0, 100, field);
      break;
    case 'size':
      draft.sizeBytes = parseSizeBytes(value, field);
      if (draft.sizeBytes < 512 || draft.sizeBytes > 64 * MIB) throw invalid(field, '512..64m', value);
      break;
    case 'outstanding':
      draft.outstanding = parseInteger(value, 1, OUTSTANDING_MAX, field);
      break;
    case 'think':
      draft.thinkNs = parseTimeNs(value, field);
      break;
    case 'rate':
      draft.ratePerS = parseNumber(value, 0.001, 10_000_000, field);
      break;
    case 'requests':
      draft.requests = parseInteger(value, 1, Number.MAX_SAFE_INTEGER, field);
      break;
    case 'region': {
      const [offset = '', bytes] = value.split('+');
      if (bytes === undefined) throw invalid(field, 'OFFSET+BYTES such as 1g+256m', value);
      draft.regionOffset = parseSizeBytes(offset, field);
      draft.regionBytes = parseSizeBytes(bytes, field);
      if (draft.regionBytes === 0) throw invalid(field, 'OFFSET+BYTES with more than 0 bytes', value);
      break;
    }
    default:
      throw invalid(`--tag ${draft.tag}: key`, `one of ${LOAD_KEYS}`, key);
  }
}
