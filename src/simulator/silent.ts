/** The logger of virtual time: what a run finds is in its result. */
import type { Logger } from '../core/ports.js';

export const SILENT: Logger = { info: () => undefined, warn: () => undefined, error: () => undefined };
