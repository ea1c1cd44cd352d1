/** One handle inside the session: its requests in order, and how much it may send. */
import { SluiceError } from '../core/model/errors.js';
import type { Opened__Output } from '../wire/gen/sluice/v1/Opened.js';
import type { FlushCover } from './flush-cover.js';
import type { Link } from './link.js';
import { RequestList, type ClientRequest } from './request.js';

/**
 * `detached`: not open on any stream that takes requests. `opening`: asked for. `open`: usable.
 * `refused`: the host does not open it; asked again on the next stream. `closed`: by the caller.
 */
export type LaneState = 'detached' | 'opening' | 'open' | 'refused' | 'closed';

/** Told of a handle's own events. */
export interface LaneOwner {
  /** Open for the first time or again; size and block size are known. */
  opened(lane: Lane): void;
  /** By the host, or because no host could be reached. */
  refused(lane: Lane, error: SluiceError): void;
  closed(lane: Lane): void;
}

export class Lane {
  readonly handle: number;
  readonly device: string;
  readonly tag: string;
  readonly cover: FlushCover;
  readonly owner: LaneOwner;
  state: LaneState = 'detached';
  /** The stream it is open, or being opened, on. */
  link: Link | null = null;
  refusal: SluiceError | null = null;
  sizeBytes = 0;
  blockBytes = 0;
  readOnly = false;
  /** A lease device: I/O is done here, when the host says so. */
  leased = false;

  /** Never sent, and to be sent again: the latter go first. Apart, so that a new one never overtakes by luck. */
  readonly waiting = new RequestList();
  readonly resend = new RequestList();
  /** Requests not answered yet, wherever they are. */
  pending = 0;
  /** To be closed once nothing is pending. */
  closing = false;
  /** Stands in the sender's ring of lanes that can send. */
  inRing = false;

  /** Cumulative on the present stream: allowed, and used. */
  private creditRequests = 0;
  private creditBytes = 0;
  private sentRequests = 0;
  private sentBytes = 0;

  /** FLUSHes up to this id are answered OUTCOME_UNKNOWN; see flush-cover.ts. */
  flushDoubt = false;
  flushDoubtThroughId = 0;

  constructor(handle: number, device: string, tag: string, cover: FlushCover, owner: LaneOwner) {
    this.handle = handle;
    this.device = device;
    this.tag = tag;
    this.cover = cover;
    this.owner = owner;
  }

  /** The stream no longer takes requests; what is out on it stays out. */
  detach(): void {
    if (this.state === 'closed') return;
    this.state = 'detached';
    this.link = null;
  }

  /** Is being opened on a stream: credit counts from nothing there. */
  attach(link: Link): void {
    this.state = 'opening';
    this.refusal = null;
    this.link = link;
    this.creditRequests = 0;
    this.creditBytes = 0;
    this.sentRequests = 0;
    this.sentBytes = 0;
  }

  accept(opened: Opened__Output): void {
    this.state = 'open';
    this.refusal = null;
    this.sizeBytes = opened.sizeBytes;
    this.blockBytes = opened.blockBytes;
    this.readOnly = opened.readOnly;
    this.leased = opened.lease;
  }

  refuse(error: SluiceError): void {
    this.state = 'refused';
    this.refusal = error;
  }

  /** Totals only rise: an older one that comes late takes nothing back. */
  credit(requestsTotal: number, bytesTotal: number): void {
    if (requestsTotal > this.creditRequests) this.creditRequests = requestsTotal;
    if (bytesTotal > this.creditBytes) this.creditBytes = bytesTotal;
  }

  get head(): ClientRequest | null {
    return this.resend.head ?? this.waiting.head;
  }

  canSend(): boolean {
    if (this.state !== 'open' || this.sentRequests >= this.creditRequests) return false;
    const head = this.resend.head ?? this.waiting.head;
    return head !== null && this.sentBytes + this.creditBytesOf(head) <= this.creditBytes;
  }

  /** Takes the head out and charges its credit. */
  take(): ClientRequest {
    const list = this.resend.head === null ? this.waiting : this.resend;
    const request = list.head!;
    list.remove(request);
    this.sentRequests += 1;
    this.sentBytes += this.creditBytesOf(request);
    return request;
  }

  /** As the host counts: what it answers TOO_LARGE uses no bytes. */
  private creditBytesOf(request: ClientRequest): number {
    return request.payloadBytes <= this.link!.maxIoBytes ? request.payloadBytes : 0;
  }
}
