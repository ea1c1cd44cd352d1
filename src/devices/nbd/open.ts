/** Opens an export of an NBD server as a device, and knows it again after its connections were lost. */
import { readFile } from 'node:fs/promises';
import { SluiceError, invalid, show } from '../../core/model/errors.js';
import { NS_PER_MS } from '../../core/model/units.js';
import type { Clock } from '../../core/ports.js';
import { TRANSMISSION_FLAGS } from '../../wire/nbd/protocol.js';
import { NbdDevice } from './nbd-device.js';
import { openSession, type ExportFacts, type NbdTls, type Session } from './session.js';
import { parseNbdUri, type NbdTarget } from './target.js';

export interface NbdSpec {
  /** `nbd://HOST[:PORT]/EXPORT`, `nbds://…`, `nbd+unix:///EXPORT?socket=PATH`. */
  readonly uri: string;
  /** 1..16; 1. Where the server does not say that it can do several, one is used. */
  readonly connections?: number;
  readonly readOnly?: boolean;
  /** A power of two, 512..65536; 512, or the server's smallest block where that is more. */
  readonly blockBytes?: number;
  /** What the size has to be. */
  readonly sizeBytes?: number;
  /** What the server's description of the export has to be. */
  readonly description?: string;
  /** 0..600000; 5000. How long a server may still execute what came over a lost connection. */
  readonly fenceMs?: number;
  /** 1..600000; 5000. Longest wait between two tries to reach a server that is away. */
  readonly reconnectMsMax?: number;
  /** Files in PEM; of an nbds URI. */
  readonly tls?: NbdTlsFiles;
}

export interface NbdTlsFiles {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** Whom the certificate has to name, where that is not the URI's host. */
  readonly serverName?: string;
}

const CONNECTIONS_MAX = 16;
const FENCE_MS_DEFAULT = 5_000;
const RECONNECT_MS_MAX_DEFAULT = 5_000;
const WAIT_MS_MAX = 600_000;
const BLOCK_BYTES_MIN = 512;
const BLOCK_BYTES_MAX = 65_536;

/**
 * @throws SluiceError INVALID_ARGUMENT (a field makes no sense, or the export is not what it says), NOT_FOUND (no such
 * export), UNSUPPORTED (something the server lacks), DEVICE_IO (nobody there)
 */
export async function openNbdDevice(spec: NbdSpec, clock: Clock): Promise<NbdDevice> {
  const target = parseNbdUri(spec.uri);
  checkSpec(spec, target);
  const tls = target.tls ? await readTls(spec.tls ?? {}) : null;
  const first = await openSession(target, tls, clock);
  try {
    const { facts } = first;
    const blockBytes = spec.blockBytes ?? Math.max(BLOCK_BYTES_MIN, facts.blockBytesMin);
    const readOnly = spec.readOnly === true || has(facts, TRANSMISSION_FLAGS.READ_ONLY);
    checkFacts(facts, { ...spec, blockBytes }, target);
    const flushes = has(facts, TRANSMISSION_FLAGS.SEND_FLUSH);
    const same = { sizeBytes: facts.sizeBytes, blockBytes, readOnly, flushes, description: spec.description };
    const reach = async (signal: AbortSignal): Promise<Session[]> => {
      const again = await openSession(target, tls, clock, signal);
      try {
        checkSame(again.facts, same, target);
        return await withMore(again, spec, () => openSession(target, tls, clock, signal));
      } catch (error) {
        again.plain.destroy();
        throw error;
      }
    };
    const sessions = await withMore(first, spec, () => openSession(target, tls, clock));
    const fenceNs = (spec.fenceMs ?? FENCE_MS_DEFAULT) * NS_PER_MS;
    const reconnectNsMax = (spec.reconnectMsMax ?? RECONNECT_MS_MAX_DEFAULT) * NS_PER_MS;
    const { uri } = spec;
    const { sizeBytes } = facts;
    const parts = { uri, clock, sizeBytes, blockBytes, readOnly, fenceNs, reconnectNsMax, reach };
    return new NbdDevice(parts, sessions);
  } catch (error) {
    first.plain.destroy();
    throw error;
  }
}

function has(facts: ExportFacts, flag: number): boolean {
  return (facts.flags & flag) !== 0;
}

/** As many connections as are asked for and the server allows. */
async function withMore(first: Session, spec: NbdSpec, open: () => Promise<Session>): Promise<Session[]> {
  const sessions = [first];
  const count = has(first.facts, TRANSMISSION_FLAGS.CAN_MULTI_CONN) ? (spec.connections ?? 1) : 1;
  try {
    while (sessions.length < count) sessions.push(await open());
    return sessions;
  } catch (error) {
    for (const session of sessions) session.plain.destroy();
    throw error;
  }
}

function checkSpec(spec: NbdSpec, target: NbdTarget): void {
  const { connections = 1, fenceMs = FENCE_MS_DEFAULT, blockBytes = BLOCK_BYTES_MIN, tls } = spec;
  const { reconnectMsMax = RECONNECT_MS_MAX_DEFAULT } = spec;
  if (!(Number.isInteger(connections) && connections >= 1 && connections <= CONNECTIONS_MAX)) {
    throw invalid('connections', `an integer 1..${String(CONNECTIONS_MAX)}`, connections);
  }
  if (!(Number.isInteger(fenceMs) && fenceMs >= 0 && fenceMs <= WAIT_MS_MAX)) {
    throw invalid('fence_ms', `an integer 0..${String(WAIT_MS_MAX)}`, fenceMs);
  }
  if (!(Number.isInteger(reconnectMsMax) && reconnectMsMax >= 1 && reconnectMsMax <= WAIT_MS_MAX)) {
    throw invalid('reconnect_ms_max', `an integer 1..${String(WAIT_MS_MAX)}`, reconnectMsMax);
  }
  if (!(blockBytes >= BLOCK_BYTES_MIN && blockBytes <= BLOCK_BYTES_MAX && Number.isInteger(Math.log2(blockBytes)))) {
    throw invalid('block_bytes', `a power of two ${String(BLOCK_BYTES_MIN)}..${String(BLOCK_BYTES_MAX)}`, blockBytes);
  }
  if (tls === undefined) return;
  if (!target.tls) throw invalid('uri', 'an nbds URI where tls is set', spec.uri);
  if ((tls.cert === undefined) !== (tls.key === undefined)) {
    throw invalid('tls', 'with both cert and key, or neither', tls.cert === undefined ? 'only key' : 'only cert');
  }
}

async function readTls(files: NbdTlsFiles): Promise<NbdTls> {
  const read = async (name: 'ca' | 'cert' | 'key'): Promise<Partial<NbdTls>> => {
    const file = files[name];
    if (file === undefined) return {};
    try {
      return { [name]: await readFile(file) };
    } catch (error) {
      throw invalid(`tls.${name}`, `a file that can be read (${(error as Error).message})`, file);
    }
  };
  const { serverName } = files;
  return {
    ...(await read('ca')),
    ...(await read('cert')),
    ...(await read('key')),
    ...(serverName === undefined ? {} : { serverName }),
  };
}

/** @throws SluiceError INVALID_ARGUMENT */
function checkFacts(facts: ExportFacts, spec: NbdSpec & { blockBytes: number }, { uri }: NbdTarget): void {
  const { blockBytes } = spec;
  checkBlocks(facts, blockBytes, uri);
  if (blockBytes > BLOCK_BYTES_MAX) {
    throw invalid('uri', `an export with blocks of at most ${String(BLOCK_BYTES_MAX)}, not ${String(blockBytes)}`, uri);
  }
  if (spec.sizeBytes !== undefined && spec.sizeBytes !== facts.sizeBytes) {
    throw invalid('size_bytes', `the size of ${uri} (${String(facts.sizeBytes)})`, spec.sizeBytes);
  }
  if (facts.sizeBytes < blockBytes || facts.sizeBytes % blockBytes !== 0) {
    const whole = `an export whose size is a positive multiple of block_bytes (${String(blockBytes)})`;
    throw invalid('uri', `${whole}, not ${String(facts.sizeBytes)} bytes`, uri);
  }
  checkDescription(facts, spec.description, uri);
}

function checkBlocks(facts: ExportFacts, blockBytes: number, uri: string): void {
  if (blockBytes % facts.blockBytesMin !== 0) {
    throw invalid('block_bytes', `a multiple of ${String(facts.blockBytesMin)}, the block of ${uri}`, blockBytes);
  }
  if (facts.blockBytesMax < blockBytes) {
    const most = `at most ${String(facts.blockBytesMax)}, the longest request of ${uri}`;
    throw invalid('block_bytes', most, blockBytes);
  }
}

function checkDescription(facts: ExportFacts, description: string | undefined, uri: string): void {
  if (description === undefined || description === facts.description) return;
  throw invalid('description', `that of ${uri} (${show(facts.description)})`, description);
}

interface Same {
  readonly sizeBytes: number;
  readonly blockBytes: number;
  readonly readOnly: boolean;
  readonly flushes: boolean;
  readonly description: string | undefined;
}

/** @throws SluiceError INVALID_ARGUMENT where it is not what it was */
function checkSame(facts: ExportFacts, same: Same, { uri }: NbdTarget): void {
  if (facts.sizeBytes !== same.sizeBytes) {
    const message = `${uri} had ${String(same.sizeBytes)} bytes and now has ${String(facts.sizeBytes)}`;
    throw new SluiceError('INVALID_ARGUMENT', message, { field: 'uri' });
  }
  if (!same.readOnly && has(facts, TRANSMISSION_FLAGS.READ_ONLY)) {
    throw new SluiceError('INVALID_ARGUMENT', `${uri} could be written and is now read-only`, { field: 'uri' });
  }
  if (same.flushes && !has(facts, TRANSMISSION_FLAGS.SEND_FLUSH)) {
    throw new SluiceError('INVALID_ARGUMENT', `${uri} knew FLUSH and no longer does`, { field: 'uri' });
  }
  checkBlocks(facts, same.blockBytes, uri);
  checkDescription(facts, same.description, uri);
}
