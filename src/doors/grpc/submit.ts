/** IoService.Submit: one request, whose failure is the call's status. */
import type { ServerUnaryCall, sendUnaryData } from '@grpc/grpc-js';
import { SluiceError, invalid, show } from '../../core/model/errors.js';
import { OPS, type Op } from '../../core/model/request.js';
import { checkTag } from '../../core/model/tag.js';
import { NS_PER_US } from '../../core/model/units.js';
import { PendingIo, type IoSink } from '../../core/pending-io.js';
import type { ServedDevice, ServedDevices } from '../../core/ports.js';
import type { IoReply } from '../../wire/gen/sluice/v1/IoReply.js';
import type { IoRequest__Output } from '../../wire/gen/sluice/v1/IoRequest.js';
import type { SubmitRequest__Output } from '../../wire/gen/sluice/v1/SubmitRequest.js';
import { checkRequest } from './check-request.js';
import { Reply } from './reply.js';
import { toServiceError } from './status.js';

/** @throws SluiceError */
function deviceFor(devices: ServedDevices, name: string): ServedDevice {
  const device = devices.get(name);
  if (device === undefined) {
    throw new SluiceError('NOT_FOUND', `device must be a device of this host, got ${show(name)}`, { field: 'device' });
  }
  return device;
}

/** @throws SluiceError */
function checked(request: IoRequest__Output | null, maxIoBytes: number): IoRequest__Output {
  if (request === null) throw invalid('request', 'present', 'none');
  checkTag(request.tag, 'request.tag');
  const refusal = checkRequest(request, maxIoBytes);
  if (refusal !== null) throw new SluiceError(refusal.code, refusal.message, { field: refusal.field });
  return request;
}

/** Serves one call; `answered` is called once, when its request no longer occupies a device. */
export function submit(
  call: ServerUnaryCall<SubmitRequest__Output, IoReply>,
  callback: sendUnaryData<IoReply>,
  devices: ServedDevices,
  maxIoBytes: number,
  answered: () => void,
): void {
  try {
    const device = deviceFor(devices, call.request.device);
    const request = checked(call.request.request, maxIoBytes);
    const sink: IoSink = {
      completed(io: PendingIo): void {
        answered();
        if (io.code === 'OK') callback(null, Reply.of(io, io.attempt, null, 0) as IoReply);
        else callback(toServiceError(new SluiceError(io.code, io.message)));
      },
    };
    const op = request.op as Op;
    const io = new PendingIo(
      op,
      request.offset,
      request.length,
      op === OPS.WRITE ? request.data : null,
      request.fua,
      request.queueTimeoutUs * NS_PER_US,
      request.id,
      request.attempt,
      sink,
    );
    // Also at the end of its deadline: what is queued then is charged nothing.
    call.on('cancelled', () => device.cancel(io));
    device.submit(io, request.tag);
  } catch (error) {
    answered();
    callback(toServiceError(error));
  }
}
