/** One request without a stream: no handle, no credit, no second try. */
import { invalid } from '../core/model/errors.js';
import { OPS, type Op } from '../core/model/request.js';
import { checkDeviceName, checkTag } from '../core/model/tag.js';
import { serviceMethods, type Calls } from './calls.js';
import { checkIo, queueTimeoutUs, type Geometry } from './check-io.js';
import { replyError, resultOf, type IoRequest, type IoResult } from './io.js';
import { changesDevice } from './request.js';

/** A request that names its own tag: there is no handle to take it from. */
export type TaggedIoRequest = IoRequest & { readonly tag: string };

/** The device's size and block size are the host's to check: nothing is known of them here. */
const ANY_GEOMETRY: Geometry = { sizeBytes: Number.MAX_SAFE_INTEGER, blockBytes: 1, readOnly: false };

export async function submitOnce(calls: Calls, device: string, request: TaggedIoRequest): Promise<IoResult> {
  checkDeviceName(device);
  checkTag(request.tag);
  const op = OPS[request.op] as Op | undefined;
  if (op === undefined) throw invalid('op', `one of ${Object.keys(OPS).join(', ')}`, request.op);
  const { offset = 0, data, tag } = request;
  const length = request.length ?? data?.length ?? 0;
  checkIo(ANY_GEOMETRY, op, offset, length, data ?? null);
  const message = {
    op,
    offset,
    length,
    ...(data !== undefined && { data }),
    fua: request.fua === true,
    queueTimeoutUs: queueTimeoutUs(request.timeoutMs),
    tag,
  };
  const { Submit } = serviceMethods('IoService');
  const changes = changesDevice(op);
  const reply = await calls.unary(Submit, { device, request: message }, request.signal, changes);
  const error = replyError(reply);
  if (error !== null) throw error;
  return resultOf(reply);
}
