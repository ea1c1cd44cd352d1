/** What the store needs of Redis, looked at once at start: each lack one clear error, in one line. */
import type { Redis } from 'ioredis';
import { SluiceError } from '../../core/model/errors.js';
import type { Logger } from '../../core/ports.js';
import { replyCode } from './errors.js';
import { ACL_EXAMPLE, COMMANDS, KEY_PREFIX, PROBE_KEY, REDIS_MAJOR_MIN } from './requirements.js';
import type { StoreUrl } from './url.js';

const CLUSTER_SLOTS = 16_384;

/** `key:value` lines of INFO and CLUSTER INFO. */
export function readInfo(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split(/\r?\n/).flatMap((line): [string, string][] => {
      const colon = line.indexOf(':');
      return colon < 0 ? [] : [[line.slice(0, colon), line.slice(colon + 1)]];
    }),
  );
}

function refuse(url: StoreUrl, what: string): SluiceError {
  return new SluiceError('STORE_UNAVAILABLE', `store ${url.shown} ${what}`, { field: 'store' });
}

/**
 * @param nodes the server, or the masters of a cluster
 * @throws SluiceError STORE_UNAVAILABLE naming what is and what is needed
 */
export async function checkServers(url: StoreUrl, nodes: readonly Redis[], logger: Logger): Promise<void> {
  const [first] = nodes;
  if (first === undefined) throw refuse(url, 'has no master that answers');
  await checkPermissions(url, first);
  let persistent = true;
  for (const node of nodes) {
    const info = readInfo(await node.info());
    checkVersion(url, info.get('redis_version') ?? '');
    checkMode(url, info.get('cluster_enabled') === '1');
    checkEviction(url, info.get('maxmemory_policy') ?? '');
    persistent &&= await isPersistent(node, info);
  }
  if (url.kind === 'cluster') await checkSlots(url, first);
  if (!persistent) {
    logger.warn(
      { store: url.shown },
      'Redis keeps nothing on disk (appendonly no, no save points): after a restart of it policies come back from running hosts only, and usage is lost',
    );
  }
}

function checkVersion(url: StoreUrl, version: string): void {
  if (Number(version.split('.')[0]) >= REDIS_MAJOR_MIN) return;
  throw refuse(url, `must be Redis ${String(REDIS_MAJOR_MIN)}.0 or later, it is ${version}`);
}

function checkMode(url: StoreUrl, clustered: boolean): void {
  if (clustered === (url.kind === 'cluster')) return;
  throw refuse(
    url,
    clustered ? 'is a node of a cluster: use redis+cluster://HOST:PORT,…' : 'is no cluster: use redis://HOST:PORT',
  );
}

function checkEviction(url: StoreUrl, policy: string): void {
  if (policy === 'noeviction') return;
  throw refuse(url, `must have maxmemory-policy noeviction, it has ${policy}: evicted keys would be lost policies`);
}

/** Save points are told by CONFIG GET alone, which an ACL need not allow: then the last save is looked at. */
async function isPersistent(node: Redis, info: ReadonlyMap<string, string>): Promise<boolean> {
  if (info.get('aof_enabled') === '1') return true;
  try {
    const [, save] = (await node.config('GET', 'save')) as [string, string];
    return save !== '';
  } catch (error) {
    if (replyCode(error) !== 'NOPERM') throw error;
    return Number(info.get('rdb_saves') ?? '0') > 0;
  }
}

async function checkSlots(url: StoreUrl, node: Redis): Promise<void> {
  const info = readInfo(await node.cluster('INFO'));
  const served = Number(info.get('cluster_slots_ok') ?? '0');
  if (info.get('cluster_state') === 'ok' && served === CLUSTER_SLOTS) return;
  throw refuse(
    url,
    `is a cluster with slots down: ${String(served)} of ${String(CLUSTER_SLOTS)} are served, state ${info.get('cluster_state') ?? 'unknown'}`,
  );
}

/** Tries each command on a key of the probe's own; what is not permitted is named, all at once. */
async function checkPermissions(url: StoreUrl, node: Redis): Promise<void> {
  const refused: string[] = [];
  let keys = true;
  let channels = true;
  for (const [name, sample] of Object.entries(COMMANDS)) {
    try {
      // Each on a key of its own type.
      const key = `${PROBE_KEY}:${/^[HXZ]/.exec(name)?.[0] ?? 'S'}`;
      const [command, ...subcommand] = name.split('|') as [string, ...string[]];
      await node.call(command, ...subcommand, ...sample.map((argument) => (argument === 'K' ? key : argument)));
    } catch (error) {
      const { message } = error as Error;
      if (replyCode(error) !== 'NOPERM' && !message.includes('ACL failure')) {
        // What the sample itself runs into (no such script, a cluster's slot elsewhere) is no lack of rights.
        if (replyCode(error) === '') throw error;
      } else if (message.includes('command')) refused.push(name.toLowerCase());
      else if (message.includes('channel')) channels = false;
      else keys = false;
    }
  }
  for (const type of ['H', 'X', 'Z', 'S']) await node.call('DEL', `${PROBE_KEY}:${type}`).catch(() => undefined);
  const lacks = [
    ...(refused.length === 0 ? [] : [`the commands ${refused.join(', ')}`]),
    ...(keys ? [] : [`the keys ${KEY_PREFIX}*`]),
    ...(channels ? [] : [`the channels ${KEY_PREFIX}*`]),
  ];
  if (lacks.length > 0) {
    throw refuse(url, `does not permit user ${url.user || 'default'} ${lacks.join(' and ')}; it needs ${ACL_EXAMPLE}`);
  }
}
