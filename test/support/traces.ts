/** The recorded traces that may lie beside the repository; tests of them do not run where they are absent. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** SLUICE_TRACES names another folder. */
export const TRACES = path.resolve(ROOT, process.env.SLUICE_TRACES ?? '../shared/traces');
export const TRACES_PRESENT = existsSync(TRACES);

export function recorded(...names: string[]): string[] {
  return names.map((name) => path.join(TRACES, name));
}

export const THREE_SERVERS = recorded(
  'linux-webserver-2.load.gz',
  'windows-mssql.load.gz',
  'windows-shared-server.load.gz',
);
