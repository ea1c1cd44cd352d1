/** What an error of an NBD server means to whoever sent the request. */
import type { ErrorCode } from '../../core/model/errors.js';
import { OPS, type Op } from '../../core/model/request.js';
import { NBD_ERRNO } from '../../wire/nbd/protocol.js';

export function codeOfErrno(errno: number, op: Op): ErrorCode {
  switch (errno) {
    case NBD_ERRNO.ENOSPC:
      return 'NO_SPACE';
    case NBD_ERRNO.EPERM:
      return op === OPS.READ || op === OPS.FLUSH ? 'DEVICE_IO' : 'READ_ONLY';
    case NBD_ERRNO.ENOTSUP:
      return 'UNSUPPORTED';
    default:
      // EINVAL too: what is sent keeps to what the server said of itself, so that it is the server that is wrong.
      return 'DEVICE_IO';
  }
}

/** `EIO: what the server said`. */
export function describeErrno(errno: number, said: string): string {
  const name = Object.entries(NBD_ERRNO).find(([, value]) => value === errno)?.[0] ?? `error ${String(errno)}`;
  return said === '' ? `the NBD server answered ${name}` : `the NBD server answered ${name}: ${said}`;
}
