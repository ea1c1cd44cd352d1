/** What the NBD door is made of. */
import type { TlsOptions } from 'node:tls';
import type { Policy } from '../../core/model/policy.js';
import type { Clock, Logger, ServedDevices } from '../../core/ports.js';
import type { MemoryBudget } from './memory-budget.js';
import type { ReadPlaces } from './read-places.js';
import type { WriteBuffers } from './reply-writer.js';

/** As much of the policy use cases as a list of exports needs. */
export interface PolicyLister {
  list(query: {
    readonly device: string;
    readonly prefix: string;
    readonly pageSize: number;
    readonly pageToken: string;
  }): Promise<{ readonly policies: readonly Policy[] }>;
}

/** Memory that all connections of the door use by turns. */
export interface NbdDoorMemory {
  readonly budget: MemoryBudget;
  readonly buffers: WriteBuffers;
  readonly places: ReadPlaces;
}

export interface NbdDoorParts {
  readonly devices: ServedDevices;
  readonly policies: PolicyLister;
  readonly clock: Clock;
  readonly logger: Logger;
  /** A longer READ or WRITE is scheduled in pieces of this. */
  readonly maxIoBytes: number;
  /** Requests and answers of all connections together, at least NBD_BYTES_MIN: further ones wait. */
  readonly bytesMax: number;
  /** Where it is set clients must ask for TLS before anything else. */
  readonly tls: Pick<TlsOptions, 'cert' | 'key' | 'ca'> | null;
}
