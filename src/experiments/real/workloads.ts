/**
 * The paper's workloads as fio can make them: on a block device, with no file system and no page cache above it. So
 * what is sent is what a guest's memory does not answer; operations are counted as the application would.
 */
import { SeededRng } from '../../core/rng.js';
import { DHT, FILEBENCH, JOURNAL, MACHINE, SYSBENCH } from '../../simulator/guests/parameters.js';
import { FileSet } from '../../simulator/guests/programs/file-set.js';
import type { WorkloadSetup } from '../../simulator/guests/setup.js';
import type { FioOptions } from './fio.js';

/** One job of fio's. Its place is on the virtual disk. */
export interface WorkloadPart {
  readonly name: string;
  readonly writes: boolean;
  readonly offset: number;
  readonly options: FioOptions;
}

export interface FioWorkload {
  /** The first is the one that operations are counted by. */
  readonly parts: readonly [WorkloadPart, ...WorkloadPart[]];
  /** Operations of the application for each of its requests. */
  readonly operationsAnIo: number;
}

/** How each is approximated, for the report. */
export const APPROXIMATIONS: readonly string[] = [
  'Sequential read: 128 KiB reads, one out at a time, which is what read-ahead makes of one thread; each counts as the 8 reads of 16 KiB that it answers.',
  'Random read: 16 KiB over 2,000 files of 16 MB, one out a thread.',
  "Web server: reads of whole files, sizes of filebench's distribution, over the area of its file set, as many out as it has threads. Each counts as 1.1 operations: the append that goes with ten reads is buffered, and a guest would write it back half a minute later.",
  'Mail server: appends of 4 to 16 KiB at random places of its file set, one out a thread, and one stream of journal writes of 24 KiB beside them, untagged. Each append counts as two operations, since as many reads are answered by memory. In a guest each append waits for its commit; here writers and journal do not wait for one another.',
  'DHT: reads of 4 KiB, 27 of 100 of 8 KiB, over 10 GiB, one out a thread.',
];

export function fioWorkload(workload: WorkloadSetup): FioWorkload {
  const { threads } = workload;
  switch (workload.kind) {
    case 'sequential-read': {
      const { readAheadBytes } = MACHINE;
      const part = reads({ rw: 'read', bs: readAheadBytes, size: SYSBENCH.files * SYSBENCH.fileBytes }, threads);
      return { parts: [part], operationsAnIo: readAheadBytes / SYSBENCH.blockBytes };
    }
    case 'random-read': {
      const size = SYSBENCH.files * SYSBENCH.fileBytes;
      return { parts: [reads({ rw: 'randread', bs: SYSBENCH.blockBytes, size }, threads)], operationsAnIo: 1 };
    }
    case 'dht': {
      const twoPages = Math.round(DHT.acrossPages * 100);
      const sizes = new Map([
        [DHT.pageBytes, 100 - twoPages],
        [2 * DHT.pageBytes, twoPages],
      ]);
      return { parts: [reads(random('randread', sizes, DHT.storeBytes), threads)], operationsAnIo: 1 };
    }
    case 'web-server': {
      const { bytes, areaBytes } = new FileSet(workload.files, 1, new SeededRng(1));
      const part = reads(random('randread', percentages(bytes), areaBytes), threads);
      return { parts: [part], operationsAnIo: 1 + 1 / FILEBENCH.readsALoop };
    }
    case 'mail-server':
      return mailServer(workload.files, threads);
  }
}

/** Two appends and two reads a loop, and the reads are of what memory holds. */
function mailServer(files: number, threads: number): FioWorkload {
  const { pageBytes, appendBytesEnd } = FILEBENCH;
  const pages = appendBytesEnd / pageBytes;
  // An append is uniform below its end, and takes up whole pages.
  const sizes = new Map(Array.from({ length: pages }, (_, i) => [(i + 1) * pageBytes, 100 / pages]));
  const size = new FileSet(files, FILEBENCH.mailFilesPart, new SeededRng(1)).areaBytes;
  const append = { ...reads(random('randwrite', sizes, size), threads), name: 'append', writes: true };
  const journal = { rw: 'write', bs: JOURNAL.commitBytesMax, size: JOURNAL.bytes, iodepth: 1 };
  return {
    parts: [append, { name: 'journal', writes: true, offset: JOURNAL.offset, options: journal }],
    operationsAnIo: 2,
  };
}

function reads(options: FioOptions, outstanding: number): WorkloadPart {
  return { name: 'read', writes: false, offset: 0, options: { ...options, norandommap: 1, iodepth: outstanding } };
}

/** @param sizes of requests, in percent */
function random(rw: 'randread' | 'randwrite', sizes: ReadonlyMap<number, number>, size: number): FioOptions {
  const bssplit = [...sizes].map(([bytes, percent]) => `${String(bytes)}/${String(percent)}`).join(':');
  return { rw, bssplit, blockalign: FILEBENCH.pageBytes, size };
}

const SLICES = 20;

/** Sizes in slices of as many files each, every slice by its mean in whole pages. */
function percentages(bytes: Uint32Array): Map<number, number> {
  const sorted = [...bytes].sort((a, b) => a - b);
  const percent = new Map<number, number>();
  for (let i = 0; i < SLICES; i++) {
    const slice = sorted.slice((i * sorted.length) / SLICES, ((i + 1) * sorted.length) / SLICES);
    const mean = slice.reduce((sum, each) => sum + each, 0) / slice.length;
    const size = Math.max(1, Math.round(mean / FILEBENCH.pageBytes)) * FILEBENCH.pageBytes;
    percent.set(size, (percent.get(size) ?? 0) + 100 / SLICES);
  }
  return percent;
}
