/**
 * From lanes to frames. What is issued in one turn of the event loop leaves in one frame, as far as
 * its bounds allow. Lanes take turns, so that one tag's backlog never stands before another's request.
 */
import { OPS } from '../core/model/request.js';
import { NS_PER_US } from '../core/model/units.js';
import type { Clock } from './world.js';
import type { Lane } from './lane.js';
import type { Link } from './link.js';
import type { ClientFrame } from './network.js';
import type { ClientRequest } from './request.js';

/** Most requests in a frame: past this a larger batch no longer measures faster, and answers start later. */
export const FRAME_REQUESTS_MAX = 256;
/** Most that one lane puts into a frame before the next has its turn. */
const TURN_REQUESTS_MAX = 64;
const TURN_BYTES_MAX = 262_144;
/** Upper bound of a request's size in a frame without data and tag: keys, lengths, ten varints. */
const REQUEST_OVERHEAD_BYTES = 72;

/** Runs fn once, soon, never within the call. */
export type Defer = (fn: () => void) => void;

export interface SenderOwner {
  readonly current: Link | null;
  /** FLUSHes that cannot keep their promise; see flush-cover.ts. Called after the frame has gone. */
  flushesInDoubt(ids: readonly number[]): void;
  /** Whether the FLUSH at the head of its lane is one of them. */
  isFlushInDoubt(request: ClientRequest): boolean;
}

export class Sender {
  private readonly owner: SenderOwner;
  private readonly clock: Clock;
  private readonly defer: Defer;
  private readonly others: () => readonly Link[];
  private scheduled = false;
  private ring: Lane[] = [];
  private opens: Lane[] = [];
  private closes: number[] = [];
  private doubted: number[] = [];
  private readonly requests: ClientRequest[] = [];
  private frameBytes = 0;
  private readonly frame: ClientFrame;
  private readonly onTurn = (): void => {
    this.scheduled = false;
    this.flush();
  };

  /** @param others the streams beside the current one, on which requests are out */
  constructor(owner: SenderOwner, clock: Clock, defer: Defer, others: () => readonly Link[]) {
    this.owner = owner;
    this.clock = clock;
    this.defer = defer;
    this.others = others;
    this.frame = emptyFrame(this.requests);
  }

  schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    this.defer(this.onTurn);
  }

  /** The lane may have become able to send. */
  touch(lane: Lane): void {
    if (lane.inRing || !lane.canSend()) return;
    lane.inRing = true;
    this.ring.push(lane);
    this.schedule();
  }

  open(lane: Lane): void {
    this.opens.push(lane);
    this.schedule();
  }

  /** The lane, open or asked for, is to be closed on its stream. */
  close(lane: Lane): void {
    const unsent = this.opens.indexOf(lane);
    if (unsent >= 0) {
      this.opens.splice(unsent, 1);
      return;
    }
    this.closes.push(lane.handle);
    this.schedule();
  }

  /** The stream that this was for takes nothing any more. */
  reset(): void {
    for (const lane of this.ring) lane.inRing = false;
    this.ring = [];
    this.opens = [];
    this.closes = [];
  }

  flush(): void {
    for (const link of this.others()) this.sendWords(link);
    const link = this.owner.current;
    if (link === null) return;
    while (link.writableNow && this.hasWork(link)) {
      this.compose(link);
      link.writableNow = link.wire.send(this.frame);
      this.clearFrame();
    }
    if (this.doubted.length > 0) {
      const doubted = this.doubted;
      this.doubted = [];
      this.owner.flushesInDoubt(doubted);
    }
  }

  private hasWork(link: Link): boolean {
    return this.ring.length > 0 || this.opens.length > 0 || this.closes.length > 0 || link.hasWords;
  }

  private compose(link: Link): void {
    for (const lane of this.opens) {
      this.frame.open.push({ handle: lane.handle, device: lane.device, tag: lane.tag });
    }
    this.opens.length = 0;
    this.takeRequests(link);
    putWords(link, this.frame);
    for (const handle of this.closes) this.frame.close.push(handle);
    this.closes.length = 0;
  }

  /** Lane by lane in turns, until the frame is full or nobody can send. */
  private takeRequests(link: Link): void {
    this.frameBytes = 0;
    while (this.ring.length > 0) {
      const lane = this.ring[0]!;
      // The lane stays first: its turn goes on in the next frame.
      if (!this.takeTurn(lane, link)) return;
      this.ring.shift();
      if (lane.canSend()) this.ring.push(lane);
      else lane.inRing = false;
    }
  }

  /** False where the frame is full before the lane's turn is over. */
  private takeTurn(lane: Lane, link: Link): boolean {
    const startBytes = this.frameBytes;
    for (let taken = 0; taken < TURN_REQUESTS_MAX && this.frameBytes - startBytes < TURN_BYTES_MAX;) {
      if (!lane.canSend()) return true;
      const head = lane.head!;
      if (head.op === OPS.FLUSH && this.owner.isFlushInDoubt(head)) {
        head.list!.remove(head);
        this.doubted.push(head.id);
        continue;
      }
      const size = REQUEST_OVERHEAD_BYTES + head.tag.length + head.data.length;
      const full = this.requests.length >= FRAME_REQUESTS_MAX || this.frameBytes + size > link.maxFrameBytes;
      // A frame carries at least one request, whatever its size: the host answers one that is too large.
      if (full && this.requests.length > 0) return false;
      this.put(lane.take(), link);
      this.frameBytes += size;
      taken += 1;
    }
    return true;
  }

  private put(request: ClientRequest, link: Link): void {
    request.state = 'sent';
    request.link = link;
    link.outstanding += 1;
    if (request.inDoubt && !request.settles) request.inDoubtForGood = true;
    if (request.deadlineNs !== 0) {
      const leftUs = Math.ceil((request.deadlineNs - this.clock.nowNs()) / NS_PER_US);
      request.queueTimeoutUs = Math.max(1, leftUs);
    }
    if (request.op === OPS.FLUSH) request.coversWrites = request.lane!.cover.answered;
    this.requests.push(request);
  }

  private sendWords(link: Link): void {
    if (!link.hasWords || !link.writableNow) return;
    const frame = emptyFrame([]);
    putWords(link, frame);
    link.writableNow = link.wire.send(frame);
  }

  private clearFrame(): void {
    this.requests.length = 0;
    this.frame.open.length = 0;
    this.frame.cancels.length = 0;
    this.frame.done.length = 0;
    this.frame.renew.length = 0;
    this.frame.close.length = 0;
  }
}

/** Requests taken back, leases renewed and done. */
function putWords(link: Link, frame: ClientFrame): void {
  for (const id of link.cancels) frame.cancels.push({ id });
  for (const done of link.dones) frame.done.push(done);
  for (const id of link.renewals) frame.renew.push({ id });
  link.cancels.length = 0;
  link.dones.length = 0;
  link.renewals.length = 0;
}

function emptyFrame(requests: ClientFrame['requests']): ClientFrame {
  return { hello: null, open: [], requests, cancels: [], done: [], renew: [], close: [] };
}
