/** From a workload's setup to the programs of its threads. */
import type { Rng } from '../../core/ports.js';
import { DHT, FILEBENCH, SYSBENCH } from './parameters.js';
import type { Program } from './program.js';
import { DhtReader } from './programs/dht.js';
import { FileSet } from './programs/file-set.js';
import { MailServer, WebServer } from './programs/filebench.js';
import { RandomReader, SequentialReader } from './programs/sysbench.js';
import type { WorkloadSetup } from './setup.js';

/** The granule of a page cache that serves the workload: what it reads is a multiple of it. */
export function pageBytesOf({ kind }: WorkloadSetup): number {
  switch (kind) {
    case 'sequential-read':
    case 'random-read':
      return SYSBENCH.blockBytes;
    case 'dht':
      return DHT.pageBytes;
    case 'web-server':
    case 'mail-server':
      return FILEBENCH.pageBytes;
  }
}

/** One program a thread; threads of one application share its files. */
export function programsOf(workload: WorkloadSetup, rng: Rng): Program[] {
  const each = (make: (rng: Rng) => Program): Program[] =>
    Array.from({ length: workload.threads }, (_, i) => make(rng.fork(`thread ${String(i)}`)));
  switch (workload.kind) {
    case 'sequential-read': {
      const shared = new SequentialReader();
      return each(() => shared);
    }
    case 'random-read':
      return each((own) => new RandomReader(own));
    case 'dht':
      return each((own) => new DhtReader(own));
    case 'web-server': {
      const files = new FileSet(workload.files, 1, rng.fork('files'));
      return each((own) => new WebServer(files, own));
    }
    case 'mail-server': {
      const files = new FileSet(workload.files, FILEBENCH.mailFilesPart, rng.fork('files'));
      return each((own) => new MailServer(files, own));
    }
  }
}
