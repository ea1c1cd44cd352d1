/** The algorithms that a device may be scheduled by: one line each. */
import type { SchedulerName } from '../model/device.js';
import type { AlgorithmFactory } from './algorithm.js';
import { fair } from './fair.js';
import { fifo } from './fifo.js';
import { stride } from './stride.js';

export const ALGORITHMS: Readonly<Record<SchedulerName, AlgorithmFactory>> = { fair, stride, fifo };
