/**
 * What a FLUSH can promise. A FLUSH covers the writes answered before it on the same running host;
 * a host that is gone took its unflushed writes' durability with it, and no FLUSH elsewhere gives
 * that back. So the session counts, for each device, writes answered and writes covered; when the
 * host changes with some uncovered, the next FLUSH of every handle of the device is answered
 * OUTCOME_UNKNOWN, once: the caller then knows to write again what it has to keep.
 */
import { OPS } from '../core/model/request.js';
import type { Lane } from './lane.js';
import type { ClientRequest } from './request.js';

/** Of one device. */
export interface FlushCover {
  /** Writes answered OK without durability of their own. */
  answered: number;
  /** Of those, the ones that some FLUSH made durable, or whose loss is being told. */
  flushed: number;
}

export class FlushCovers {
  private readonly covers = new Map<string, FlushCover>();
  private readonly lanes: ReadonlyMap<number, Lane>;
  private readonly spansHosts: boolean;
  private hostId = '';

  constructor(lanes: ReadonlyMap<number, Lane>, spansHosts: boolean) {
    this.lanes = lanes;
    this.spansHosts = spansHosts;
  }

  of(device: string): FlushCover {
    let cover = this.covers.get(device);
    if (cover === undefined) this.covers.set(device, (cover = { answered: 0, flushed: 0 }));
    return cover;
  }

  /** Requests go to this host from now on. */
  welcomed(hostId: string): void {
    const changed = this.hostId !== '' && this.hostId !== hostId;
    this.hostId = hostId;
    if (changed) this.hostGone();
  }

  /** The host has answered it OK. */
  served(request: ClientRequest, hostId: string): void {
    const { cover } = request.lane!;
    if (request.op === OPS.FLUSH) {
      cover.flushed = Math.max(cover.flushed, request.coversWrites);
    } else if (request.op !== OPS.READ && !request.fua) {
      cover.answered += 1;
      // By a host that the session has left: no later FLUSH covers it.
      if (hostId !== this.hostId) this.hostGone();
    }
  }

  isInDoubt(flush: ClientRequest): boolean {
    const lane = flush.lane!;
    return lane.flushDoubt || flush.id <= lane.flushDoubtThroughId;
  }

  /** A FLUSH of the lane is answered OUTCOME_UNKNOWN: so are all issued so far, and the caller's next one may succeed. */
  told(lane: Lane, lastId: number): void {
    if (lane.flushDoubt) lane.flushDoubtThroughId = lastId;
    lane.flushDoubt = false;
  }

  private hostGone(): void {
    if (this.spansHosts) return;
    for (const [device, cover] of this.covers) {
      if (cover.answered === cover.flushed) continue;
      cover.flushed = cover.answered;
      for (const lane of this.lanes.values()) if (lane.device === device) lane.flushDoubt = true;
    }
  }
}
