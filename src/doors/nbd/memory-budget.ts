/**
 * The memory of all connections of the door: requests taken in or on their way in, and answers unsent.
 *
 *   budget = [ a part of its own for each connection that there may be ][ a pool for all ]
 *
 * A connection takes what it likes within its own part, so small requests go on whatever others do.
 * What is above it comes out of the pool; where the pool has too little left the connection waits, in
 * the order of asking, and is not read meanwhile. As each asks for one request at a time, turns go
 * round, and a large request is not passed over for small ones.
 *
 * Nobody waits for ever: the pool holds the largest request there is, so once it is empty the first
 * in line goes on; and it empties, since devices have their I/O timeouts, and a client that moves no
 * byte for STALLED_LOOKS looks although it is its turn loses its connection while others wait.
 */
import { MIB, NS_PER_S } from '../../core/model/units.js';
import type { Clock, Timer } from '../../core/ports.js';

/** Half of it is the connections' own, half the pool, which has to hold a request of 32 MiB. */
export const NBD_BYTES_MIN = 64 * MIB;
const LOOK_NS = 10 * NS_PER_S;
const STALLED_LOOKS = 3;

/** Whoever has a part: a connection. */
export interface MemoryHolder {
  /** What was asked for has been counted. */
  roomMade(): void;
  /** Bytes moved over its socket so far; null where it is not its client that it waits for. */
  movedBytes(): number | null;
  cutOff(why: string): void;
}

export class MemoryBudget {
  readonly ownBytes: number;
  readonly #poolBytes: number;
  readonly #clock: Clock;
  #usedBytes = 0;
  /** Parts with something of the pool. */
  readonly #inPool = new Set<MemoryPart>();
  readonly #waiting = new Set<MemoryPart>();
  #making = false;
  #look: Timer | null = null;

  /** @param bytesMax at least NBD_BYTES_MIN */
  constructor(bytesMax: number, connectionsMax: number, clock: Clock) {
    this.ownBytes = Math.floor(bytesMax / 2 / connectionsMax);
    this.#poolBytes = bytesMax - this.ownBytes * connectionsMax;
    this.#clock = clock;
  }

  part(holder: MemoryHolder): MemoryPart {
    return new MemoryPart(this, holder);
  }

  /** Connections that wait for room. */
  get waiting(): number {
    return this.#waiting.size;
  }

  close(): void {
    this.#look?.cancel();
    this.#look = null;
  }

  /** For MemoryPart alone: it has that much more of the pool, or less. */
  moved(part: MemoryPart, byBytes: number): void {
    this.#usedBytes += byBytes;
    if (part.overBytes > 0) this.#inPool.add(part);
    else this.#inPool.delete(part);
    if (byBytes < 0) this.#makeRoom();
  }

  /** For MemoryPart alone. @returns whether there is that much left, and nobody has waited for it longer */
  has(bytes: number): boolean {
    return this.#waiting.size === 0 && this.#usedBytes + bytes <= this.#poolBytes;
  }

  /** For MemoryPart alone: it waits for what it wants. */
  wait(part: MemoryPart): void {
    this.#waiting.add(part);
    this.#look ??= this.#clock.after(LOOK_NS, this.#lookForStalled);
  }

  /** For MemoryPart alone: its connection is gone. */
  left(part: MemoryPart): void {
    if (this.#waiting.delete(part)) this.#makeRoom();
  }

  #makeRoom(): void {
    // Who goes on may give room back within the call: the loop that runs sees it.
    if (this.#making) return;
    this.#making = true;
    try {
      for (const part of this.#waiting) {
        if (this.#usedBytes + part.wantsOfPool > this.#poolBytes) break;
        this.#waiting.delete(part);
        part.grant();
      }
    } finally {
      this.#making = false;
    }
  }

  readonly #lookForStalled = (): void => {
    this.#look = this.#waiting.size === 0 ? null : this.#clock.after(LOOK_NS, this.#lookForStalled);
    if (this.#look === null) return;
    for (const part of [...this.#inPool]) part.lookAt(STALLED_LOOKS);
  };
}

/** What one connection holds of the budget. */
export class MemoryPart {
  readonly #budget: MemoryBudget;
  readonly #holder: MemoryHolder;
  readonly #ownBytes: number;
  /** As last told by `holds`, with what has been taken since. */
  #heldBytes = 0;
  /** Counted for a request that is on its way in. */
  #claimedBytes = 0;
  /** Asked for and not counted yet. */
  #wantedBytes = 0;
  #movedBytes: number | null = null;
  #looks = 0;
  /** What it has of the pool. */
  overBytes = 0;

  constructor(budget: MemoryBudget, holder: MemoryHolder) {
    this.#budget = budget;
    this.#holder = holder;
    this.#ownBytes = budget.ownBytes;
  }

  /** Its claim has to wait: the holder takes nothing in until it is told `roomMade`. */
  get waiting(): boolean {
    return this.#wantedBytes > 0;
  }

  get wantsOfPool(): number {
    return this.#over(this.#wantedBytes) - this.overBytes;
  }

  /** What the holder holds now, besides its claim. */
  holds(bytes: number): void {
    this.#heldBytes = bytes;
    this.#settle();
  }

  /** Room for one request; more than once for the same one is one claim. @returns whether it has been counted */
  claim(bytes: number): boolean {
    if (this.#claimedBytes >= bytes) return true;
    if (this.waiting) return false;
    const more = this.#over(bytes) - this.overBytes;
    if (more > 0 && !this.#budget.has(more)) {
      this.#wantedBytes = bytes;
      this.#budget.wait(this);
      return false;
    }
    this.#claimedBytes = bytes;
    this.#settle();
    return true;
  }

  /** The request that was claimed for is among what is held. */
  took(): void {
    this.#heldBytes += this.#claimedBytes;
    this.#claimedBytes = 0;
  }

  /** The connection is gone. */
  leave(): void {
    this.#wantedBytes = 0;
    this.#budget.left(this);
    this.#claimedBytes = 0;
    this.holds(0);
  }

  /** For the budget alone. */
  grant(): void {
    this.#claimedBytes = this.#wantedBytes;
    this.#wantedBytes = 0;
    this.#settle();
    this.#holder.roomMade();
  }

  /** For the budget alone: others wait. */
  lookAt(stalledLooks: number): void {
    const moved = this.#holder.movedBytes();
    this.#looks = moved !== null && moved === this.#movedBytes ? this.#looks + 1 : 0;
    this.#movedBytes = moved;
    if (this.#looks >= stalledLooks) {
      this.#holder.cutOff('it moves no byte, holds memory of the door, and others wait for it (limits.nbd_bytes)');
    }
  }

  #over(moreBytes: number): number {
    return Math.max(0, this.#heldBytes + this.#claimedBytes + moreBytes - this.#ownBytes);
  }

  #settle(): void {
    const over = this.#over(0);
    if (over === this.overBytes) return;
    const by = over - this.overBytes;
    this.overBytes = over;
    this.#budget.moved(this, by);
  }
}
