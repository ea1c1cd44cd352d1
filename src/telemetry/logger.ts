/** Logs as JSON lines on stderr: stdout belongs to what a command answers. */
import { pino } from 'pino';
import type { Logger } from '../core/ports.js';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** @param write where lines go; stderr, written before the call returns, so that a crash loses none */
export function makeLogger(level: LogLevel, write: (line: string) => void = toStderr): Logger {
  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write },
  );
  return {
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
  };
}

function toStderr(line: string): void {
  process.stderr.write(line);
}
