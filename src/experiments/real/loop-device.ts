/** Loop devices with direct I/O, and the kernel's scheduler on them, for as long as a janitor owes their end. */
import { readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { SluiceError } from '../../core/model/errors.js';
import { run } from './commands.js';
import { quote } from './janitor.js';
import type { Janitor } from './janitor.js';

export type KernelScheduler = 'none' | 'bfq';

/**
 * @param file a regular file or block device
 * @param sizeBytes how much of it, from its beginning; all where absent
 * @returns the path of the device
 */
export function attachLoop(janitor: Janitor, file: string, sizeBytes?: number): string {
  // By the file, which is known before the device is.
  janitor.owe(
    `for l in $(losetup --noheadings --output NAME --associated ${quote(file)}); do losetup --detach $l; done`,
  );
  const part = sizeBytes === undefined ? [] : ['--sizelimit', String(sizeBytes)];
  return run('losetup', '--find', '--show', '--direct-io=on', ...part, file);
}

/** Sets the kernel's scheduler of a block device; what it was before comes back. @throws SluiceError UNSUPPORTED */
export function useScheduler(janitor: Janitor, device: string, scheduler: KernelScheduler): void {
  const file = queueFile(device, 'scheduler');
  const found = readFileSync(file, 'utf8').trim();
  if (!found.includes(scheduler)) {
    throw new SluiceError('UNSUPPORTED', `this kernel has no ${scheduler} for ${device}, only: ${found}`);
  }
  janitor.owe(`echo ${/\[(.+)\]/.exec(found)![1]!} > ${file}`);
  writeFileSync(file, scheduler);
}

/** Of a device that BFQ schedules: its heuristics for processes that it takes for interactive. Gone with the scheduler. */
export function setLowLatency(device: string, on: boolean): void {
  writeFileSync(queueFile(device, 'iosched/low_latency'), on ? '1' : '0');
}

function queueFile(device: string, name: string): string {
  return `/sys/block/${basename(device)}/queue/${name}`;
}
