/** What this machine has to have before anything is set up on it. */
import { existsSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { SluiceError } from '../../core/model/errors.js';
import type { Figure } from '../experiment.js';

interface Need {
  readonly command: string;
  /** Debian's. */
  readonly package: string;
}

const ALWAYS: readonly Need[] = [
  { command: 'losetup', package: 'mount' },
  { command: 'fio', package: 'fio' },
];
const FOR_BFQ: readonly Need[] = [{ command: 'nbdfuse', package: 'libnbd-bin' }];

/** @throws SluiceError UNSUPPORTED naming the first thing that is not there, and the package that brings it */
export function checkNeeds(figures: readonly Figure[]): void {
  if (process.getuid?.() !== 0) throw unsupported('root, for loop devices and their schedulers');
  const bfq = figures.some(({ scenarios }) => scenarios.some(({ setup }) => setup.algorithm === 'cfq'));
  for (const need of bfq ? [...ALWAYS, ...FOR_BFQ] : ALWAYS) {
    if (spawnSync(need.command, ['--version'], { stdio: 'ignore' }).status === 0) continue;
    throw unsupported(`${need.command}, of Debian's package ${need.package}`);
  }
  if (!existsSync('/dev/loop-control')) throw unsupported('loop devices (/dev/loop-control), which this kernel lacks');
  if (bfq && !existsSync('/dev/fuse')) throw unsupported('FUSE (/dev/fuse), which this kernel lacks');
}

function unsupported(what: string): SluiceError {
  return new SluiceError('UNSUPPORTED', `experiment real needs ${what}`);
}
