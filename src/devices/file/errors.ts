/** What an error of the operating system means to whoever sent the request. */
import type { ErrorCode } from '../../core/model/errors.js';

/** The errno that means something particular; all others are DEVICE_IO. */
const CODE_OF: Partial<Record<string, ErrorCode>> = {
  ENOSPC: 'NO_SPACE',
  EDQUOT: 'NO_SPACE',
  EFBIG: 'NO_SPACE',
  EROFS: 'READ_ONLY',
  EACCES: 'READ_ONLY',
  EPERM: 'READ_ONLY',
};

export function codeOf(error: NodeJS.ErrnoException): ErrorCode {
  return CODE_OF[error.code ?? ''] ?? 'DEVICE_IO';
}

/** `ENOSPC: no space left on device, write`. */
export function messageOf(error: NodeJS.ErrnoException): string {
  return error.message;
}
