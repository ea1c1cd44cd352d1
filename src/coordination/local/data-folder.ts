/**
 * What the embedded store keeps under `data_dir`: records (policies and devices) and usage. One process
 * at a time: whoever opens it holds the lock.
 */
import { mkdir } from 'node:fs/promises';
import type { Clock, Logger } from '../../core/ports.js';
import type { Ledger } from '../../core/usage.js';
import { SavedRecords } from './saved-records.js';
import { SavedUsage } from './saved-usage.js';

export class DataFolder {
  readonly path: string;
  readonly records: SavedRecords;
  readonly usage: SavedUsage;
  /** By device; those of earlier lives of the host from the start. */
  readonly ledgers: ReadonlyMap<string, Ledger>;
  private readonly state: FolderState;

  private constructor(
    path: string,
    records: SavedRecords,
    usage: SavedUsage,
    ledgers: ReadonlyMap<string, Ledger>,
    state: FolderState,
  ) {
    this.path = path;
    this.records = records;
    this.usage = usage;
    this.ledgers = ledgers;
    this.state = state;
  }

  /** @param makeLedger an empty one */
  static async open(path: string, clock: Clock, logger: Logger, makeLedger: () => Ledger): Promise<DataFolder> {
    await mkdir(path, { recursive: true });
    const state = new FolderState(path, logger);
    const report = (message: string): void => state.damaged(message);
    const records = await SavedRecords.open(path, report);
    const ledgers = new Map<string, Ledger>();
    const ledgerOf = (saved: SavedUsage, device: string): Ledger => {
      const ledger = makeLedger();
      ledgers.set(device, ledger);
      saved.follow(device, ledger);
      return ledger;
    };
    const usage = await SavedUsage.open(path, clock, ledgerOf, report, (problem) => state.trouble(problem));
    return new DataFolder(path, records, usage, ledgers, state);
  }

  /** What an operator should know: damage found, and that nothing can be written; a line each. */
  notes(): readonly string[] {
    return this.state.notes();
  }

  async close(): Promise<void> {
    await this.usage.close();
    await this.records.close();
  }
}

class FolderState {
  private readonly path: string;
  private readonly logger: Logger;
  private readonly damage: string[] = [];
  private problem = '';

  constructor(path: string, logger: Logger) {
    this.path = path;
    this.logger = logger;
  }

  damaged(message: string): void {
    this.damage.push(message);
    this.logger.warn({ dataDir: this.path }, message);
  }

  /** A line when it begins and one when it ends, however often it is tried in between. */
  trouble(problem: string): void {
    if (problem !== '' && this.problem === '') {
      this.logger.error(
        { dataDir: this.path, problem },
        'usage cannot be written to data_dir; it is kept in memory and tried again every second',
      );
    } else if (problem === '' && this.problem !== '') {
      this.logger.info({ dataDir: this.path }, 'usage is written to data_dir again, all of it');
    }
    this.problem = problem;
  }

  notes(): readonly string[] {
    const now = this.problem === '' ? [] : [`data_dir ${this.path} cannot be written: ${this.problem}`];
    return [...this.damage, ...now];
  }
}
