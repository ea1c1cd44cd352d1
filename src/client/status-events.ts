/** What a client tells about its connection. */
import type { SluiceError } from '../core/model/errors.js';

export type ConnectionEvent =
  /** Requests go to this host now. `resumed`: it remembers the session from an earlier stream. */
  | { readonly kind: 'welcomed'; readonly address: string; readonly hostId: string; readonly resumed: boolean }
  /** The host takes nothing new; what is out there is awaited. */
  | { readonly kind: 'leaving'; readonly address: string; readonly reason: string }
  /** The stream ended with requests possibly out on it. */
  | { readonly kind: 'lost'; readonly address: string; readonly error: SluiceError }
  /** A dial came to nothing; another follows. */
  | { readonly kind: 'dial-failed'; readonly error: SluiceError }
  /** maxOutageMs have passed: requests fail until the next `welcomed`. */
  | { readonly kind: 'outage'; readonly error: SluiceError };
