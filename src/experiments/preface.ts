/** What reports say ahead of their figures. */
import type { Preface } from './report/html.js';

export const VIRTUAL_TIME: Preface = {
  title: 'Differentiated I/O services, reproduced',
  paragraphs: (runs, firstSeed) => [
    `The experiments of Krishnamurthy and Kowsalya, Differentiated I/O services in virtualized environments, run in virtual time on the scheduler that the service runs. Each point is a mean over ${String(runs)} runs or more (seeds from ${String(firstSeed)} on; the tables say how many); ± is half of its 95 % confidence interval (Student's t). Times on disk, platters and flash are those of models; nothing here depends on the machine that made it.`,
  ],
};

export const REAL_PARTS: Preface = {
  title: 'Differentiated I/O services, on real parts',
  paragraphs: (runs, firstSeed) => [
    `Three figures of Krishnamurthy and Kowsalya, Differentiated I/O services in virtualized environments, with real processes on one machine: the service, fio clients over NBD, the kernel's BFQ in the place of CFQ. Each point is a mean over ${String(runs)} runs (seeds from ${String(firstSeed)} on); ± is half of its 95 % confidence interval (Student's t).`,
    'The disk is a loop device with direct I/O over a sparse file of the size of the drive. A request is answered when the file has served it and the time that the model of the hard disk or SSD gives it has come, whichever is later. So times on platters and flash are the model’s, and all others (processes, sockets, kernel, timers) are this machine’s.',
    'The same figures in virtual time, with guests and their caches, stand beside; their own report is virtual/index.html. Those runs are as long as the ones here.',
  ],
};
