/** Who this host is to the state of one device, and what the state last said to it as a whole. */
import { NS_PER_US } from '../../core/model/units.js';
import type { ExchangeReply } from './protocol.js';

/** Weight of the last exchange in the moving average of how long one takes. */
const AVERAGE_PART = 1 / 8;

export class Epoch {
  /** Of the state; '' before this host ever joined. */
  incarnation = '';
  /** Rises with every join. */
  number = 0;
  /** A join was answered, and nothing has ended the epoch since. */
  lives = false;
  /** The last call's number, and the highest that was answered. */
  n = 0;
  acked = 0;
  exchangeUs = 0;
  /** Slots that may be used without asking, and such while the store is away. */
  advance = 0;
  outageQuota = 0;
  /** What the state said of the device as a whole. */
  depth = 0;
  slotsUsed = 0;
  hosts = 0;
  contended = false;
  /** The join in flight has been overtaken: whatever its answer, another one is needed. */
  isVoid = false;
  private grantsMade = -1;

  /** A join is about to be sent. The quota stays: it is what this host runs on until it is answered. */
  begin(): void {
    this.number += 1;
    this.isVoid = false;
    this.advance = 0;
    this.grantsMade = -1;
  }

  /** @param above an epoch number that the state knows of this host: the next one is higher */
  ended(above: number): void {
    this.lives = false;
    this.isVoid = true;
    this.advance = 0;
    this.number = Math.max(this.number, above);
  }

  /**
   * A call of this epoch was taken in.
   * @returns grants that the state made since the last answer, to whomever
   */
  taken(reply: ExchangeReply, tookNs: number): number {
    this.lives = true;
    this.incarnation = reply.incarnation;
    this.acked = reply.n;
    this.advance = reply.advance;
    this.outageQuota = reply.outageQuota;
    this.depth = reply.depth;
    this.slotsUsed = reply.slotsUsed;
    // A state that is settling does not know all: what was known before it is what another new one has to wait for.
    this.hosts = reply.settling ? Math.max(this.hosts, reply.hosts) : reply.hosts;
    this.contended = reply.contended;
    const tookUs = tookNs / NS_PER_US;
    this.exchangeUs = this.exchangeUs === 0 ? tookUs : this.exchangeUs + (tookUs - this.exchangeUs) * AVERAGE_PART;
    const made = this.grantsMade < 0 ? 0 : reply.grantsMade - this.grantsMade;
    this.grantsMade = reply.grantsMade;
    return made;
  }
}
