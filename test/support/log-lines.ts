/** A logger that keeps what it is told. */
import type { Logger } from '../../src/core/ports.js';

export interface LogLine {
  readonly level: 'info' | 'warn' | 'error';
  readonly fields: Record<string, unknown>;
  readonly message: string;
}

export class LogLines {
  readonly lines: LogLine[] = [];
  readonly logger: Logger = {
    info: (fields, message) => this.lines.push({ level: 'info', fields, message }),
    warn: (fields, message) => this.lines.push({ level: 'warn', fields, message }),
    error: (fields, message) => this.lines.push({ level: 'error', fields, message }),
  };
}
