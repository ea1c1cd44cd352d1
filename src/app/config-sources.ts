/** Where configuration comes from, and how its parts are laid over each other, before anything is checked. */
import { readFileSync } from 'node:fs';
import { parse as parseYaml } from 'yaml';
import type { z } from 'zod';
import { SluiceError, invalid, show } from '../core/model/errors.js';

/** Environment variables and the keys they set. */
const ENVIRONMENT: Record<string, readonly string[]> = {
  SLUICE_LISTEN_GRPC: ['listen', 'grpc'],
  SLUICE_LISTEN_HTTP: ['listen', 'http'],
  SLUICE_LISTEN_NBD: ['listen', 'nbd'],
  SLUICE_LISTEN_INSECURE: ['listen', 'insecure'],
  SLUICE_STORE: ['store'],
  SLUICE_STORE_PASSWORD_FILE: ['store_password_file'],
  SLUICE_DATA_DIR: ['data_dir'],
  SLUICE_WORKERS: ['workers'],
  SLUICE_GRACE_MS: ['grace_ms'],
  SLUICE_FENCE_MS: ['fence_ms'],
  SLUICE_LOG_LEVEL: ['log_level'],
};

/** Variables with the prefix that are not configuration of the service. */
const ELSEWHERE = new Set(['SLUICE_CONFIG', 'SLUICE_APT', 'SLUICE_LONG', 'SLUICE_ADDRESS']);

export interface ConfigSources {
  /** A file that was asked for; it must be there. */
  readonly file: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** By key path, as `{ 'listen.grpc': '127.0.0.1:0' }`. */
  readonly flags: Readonly<Record<string, unknown>>;
}

/** File, then environment, then flags, as one mapping. @throws SluiceError NOT_FOUND, INVALID_ARGUMENT */
export function mergeSources(sources: ConfigSources): Record<string, unknown> {
  const raw = sources.file === undefined ? {} : readConfigFile(sources.file);
  for (const [variable, value] of Object.entries(sources.environment)) {
    if (!variable.startsWith('SLUICE_') || value === undefined || ELSEWHERE.has(variable)) continue;
    const path = ENVIRONMENT[variable];
    if (path === undefined) {
      throw new SluiceError(
        'INVALID_ARGUMENT',
        `environment variable ${variable} is not known; allowed are ${Object.keys(ENVIRONMENT).join(', ')}`,
      );
    }
    setPath(raw, path, fromText(value));
  }
  for (const [key, value] of Object.entries(sources.flags)) {
    if (value !== undefined) setPath(raw, key.split('.'), value);
  }
  return raw;
}

function readConfigFile(file: string): Record<string, unknown> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new SluiceError('NOT_FOUND', `configuration file ${file} cannot be read: ${(error as Error).message}`);
  }
  let value: unknown;
  try {
    value = parseYaml(text) as unknown;
  } catch (error) {
    throw new SluiceError('INVALID_ARGUMENT', `configuration file ${file} is not YAML: ${(error as Error).message}`);
  }
  if (value === null || value === undefined) return {};
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw invalid(`configuration file ${file}`, 'a mapping of keys', value);
  }
  return value as Record<string, unknown>;
}

/** Text of the environment as YAML would read it: numbers and booleans are what they look like. */
function fromText(text: string): unknown {
  if (text === 'true' || text === 'false') return text === 'true';
  return /^-?\d+$/.test(text) ? Number(text) : text;
}

function setPath(root: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let at = root;
  for (const key of path.slice(0, -1)) {
    const inner = at[key];
    const next = typeof inner === 'object' && inner !== null ? (inner as Record<string, unknown>) : {};
    at[key] = next;
    at = next;
  }
  at[path.at(-1)!] = value;
}

/** The first thing wrong, in the house form: key, value, what is allowed. */
export function describe(error: z.ZodError): SluiceError {
  const issue = error.issues[0]!;
  const key = issue.path.map(String).join('.');
  if (issue.code === 'unrecognized_keys') {
    const field = [key, issue.keys[0]].filter((part) => part !== '').join('.');
    return new SluiceError('INVALID_ARGUMENT', `unknown configuration key ${field}`, { field });
  }
  const got = 'input' in issue ? `, got ${show(plain(issue.input))}` : '';
  const message = issue.message.replace(/^Invalid input: e/, 'E').replace(/^Invalid (option|input): /, '');
  return new SluiceError('INVALID_ARGUMENT', `${key}: ${message}${got}`, { field: key });
}

function plain(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : value;
}
