/**
 * The handles that executions are recorded through. A handle whose tag is busy borrows a tally for as
 * long as it is; all others count into their tag's row of the open second at once. What is in tallies
 * belongs to that second: it is folded into the rows before anyone reads or closes them.
 */
import type { Op } from '../model/request.js';
import type { UsageAccount } from '../model/usage.js';
import { bucketOf } from '../histogram.js';
import type { OpenIntervals } from './open-intervals.js';
import { TALLY_BYTES, addToTally, countOf, foldTally, newTally, type Tally } from './tally.js';

/** Executions of one handle in one second from which on it borrows a tally, and below which it gives it back. */
const BUSY = 64;
/** Tallies of a ledger: 5 MiB. */
const TALLIES_MAX = 512;

/** Says when the open second is over. */
export interface SecondHand {
  /** Of the clock's nowNs: from then on the wall clock has to be looked at. */
  readonly lookAgainNs: number;
  look(atNs: number): void;
}

class Account implements UsageAccount {
  readonly id: number;
  /** Executions without a tally since `sinceS`. */
  count = 0;
  sinceS = 0;
  tally: Tally | null = null;
  private readonly accounts: Accounts;
  private readonly second: SecondHand;

  constructor(id: number, accounts: Accounts, second: SecondHand) {
    this.id = id;
    this.accounts = accounts;
    this.second = second;
  }

  record(
    op: Op,
    lengthBytes: number,
    cost: number,
    failed: boolean,
    cacheHit: boolean,
    queueNs: number,
    serviceNs: number,
    atNs: number,
  ): void {
    if (!(atNs < this.second.lookAgainNs)) this.second.look(atNs);
    const tally = this.tally ?? this.accounts.tallyFor(this);
    if (tally === null) this.accounts.recordRow(this.id, op, lengthBytes, cost, failed, cacheHit, queueNs, serviceNs);
    else addToTally(tally, op, lengthBytes, cost, failed, cacheHit, queueNs, serviceNs);
  }
}

export class Accounts {
  private readonly open: OpenIntervals;
  private readonly second: SecondHand;
  /** Those that have a tally. */
  private readonly busy: Account[] = [];
  private readonly spare: Tally[] = [];

  constructor(open: OpenIntervals, second: SecondHand) {
    this.open = open;
    this.second = second;
  }

  get bytesUsed(): number {
    return (this.busy.length + this.spare.length) * TALLY_BYTES;
  }

  account(id: number): UsageAccount {
    return new Account(id, this, this.second);
  }

  /** For Account: the tally that it has earned, null where it has not, or none is left. */
  tallyFor(account: Account): Tally | null {
    const { startS } = this.open.at(0);
    if (account.sinceS !== startS) {
      account.sinceS = startS;
      account.count = 0;
    }
    account.count += 1;
    if (account.count <= BUSY || this.busy.length >= TALLIES_MAX) return null;
    account.tally = this.spare.pop() ?? newTally();
    this.busy.push(account);
    return account.tally;
  }

  /** For Account: one execution into its tag's row. */
  recordRow(
    id: number,
    op: Op,
    lengthBytes: number,
    cost: number,
    failed: boolean,
    cacheHit: boolean,
    queueNs: number,
    serviceNs: number,
  ): void {
    this.open.rows.record(
      this.open.row(0, id),
      op,
      failed ? 0 : lengthBytes,
      cost,
      failed ? 1 : 0,
      cacheHit ? 1 : 0,
      queueNs,
      bucketOf(queueNs),
      serviceNs,
      bucketOf(serviceNs),
    );
  }

  /** What is in tallies goes to the rows of the open second. */
  fold(): void {
    for (const { id, tally } of this.busy) this.foldOne(id, tally!);
  }

  /** The same as the second closes: who was not busy in it gives its tally back. */
  foldAndTakeBack(): void {
    let kept = 0;
    for (const account of this.busy) {
      const tally = account.tally!;
      if (this.foldOne(account.id, tally) > BUSY) {
        this.busy[kept++] = account;
        continue;
      }
      account.tally = null;
      this.spare.push(tally);
    }
    this.busy.length = kept;
  }

  /** @returns how many executions it held */
  private foldOne(id: number, tally: Tally): number {
    const count = countOf(tally);
    if (count > 0) foldTally(tally, this.open.rows, this.open.row(0, id));
    return count;
  }
}
