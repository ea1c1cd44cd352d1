/**
 * The exchange in Lua with the test's own surroundings: time comes as an argument, nudges go into a
 * list. Everything else is the script that is served.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { packCall, packRows, unpackReply } from '../../src/coordination/redis/exchange-message.js';
import { Packer } from '../../src/coordination/redis/message-pack.js';
import { LUA_DIR, loadLibrary, type Library } from '../../src/coordination/redis/script.js';
import type { ExchangeCall, ExchangeReply } from '../../src/coordination/exchange/protocol.js';
import { EXACT_SCHEMA, storedDump, storedNodes } from './stored-exchange.js';

const KEY = '{disk0}:exchange';
/** Where it stands in the packed state, behind the head of an array of 16 or more. */
const SCHEMA_AT = 3;
const NUDGES = `${KEY}:nudges`;

/** Of counters that are told beside the records; includes/surroundings.lua says what of each, and has the numbers that are served. */
type JournalBound = 'JOURNAL_A_NODE' | 'JOURNAL_MOST' | 'JOURNAL_WARM' | 'JOURNAL_NODES';
export type JournalBounds = Readonly<Partial<Record<JournalBound, number>>>;

const FILE = join('includes', 'surroundings.lua');
const SERVED = Object.fromEntries(
  [...readFileSync(join(LUA_DIR, FILE), 'utf8').matchAll(/^-- #define (\w+) (\d+)$/gm)].map(([, name, value]) => [
    name,
    Number(value),
  ]),
) as Record<JournalBound, number>;

const surroundings = (bounds: JournalBounds): string => `
${Object.entries({ ...SERVED, ...bounds })
  .map(([name, value]) => `-- #define ${name} ${value}`)
  .join('\n')}

local K, arguments

local function store_us()
  return tonumber(arguments[5])
end

local function publish_nudge(host)
  redis.call('RPUSH', K .. ':nudges', host)
end
`;

function testLibrary(bounds: JournalBounds): Library {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-lua-'));
  try {
    cpSync(LUA_DIR, folder, { recursive: true });
    writeFileSync(join(folder, FILE), surroundings(bounds));
    return loadLibrary('exchange', folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export class LuaExchange {
  /** Of more nodes than these no counters are told beside the records. */
  readonly journalNodes: number;
  readonly #redis: Redis;
  readonly #library: Library;
  readonly #packer = new Packer();
  #loaded = false;

  constructor(redis: Redis, bounds: JournalBounds = {}) {
    this.#redis = redis;
    this.journalNodes = bounds.JOURNAL_NODES ?? SERVED.JOURNAL_NODES;
    this.#library = testLibrary(bounds);
  }

  /** What the library has in memory is gone, as after a failover: the state in Redis is all there is. */
  async forget(): Promise<void> {
    await this.#redis.function('LOAD', 'REPLACE', this.#library.text);
    this.#loaded = true;
  }

  /** The state as a host of an earlier version would have made it. */
  async makeExact(): Promise<void> {
    await this.#redis.setrange(KEY, SCHEMA_AT, String.fromCharCode(EXACT_SCHEMA));
  }

  async exchange(
    call: ExchangeCall,
    around: { readonly nowUs: number; readonly server: string; readonly incarnation: string },
  ): Promise<{ reply: ExchangeReply; nudges: string[] }> {
    const bytes = packCall(this.#packer, call);
    const rows = packRows(this.#packer, call.rows);
    const { server, incarnation, nowUs } = around;
    if (!this.#loaded) await this.forget();
    const reply = await this.#redis.callBuffer(
      'FCALL',
      this.#library.called,
      1,
      KEY,
      bytes,
      rows,
      server,
      incarnation,
      nowUs,
    );
    const nudges = await this.#redis.lrange(NUDGES, 0, -1);
    if (nudges.length > 0) await this.#redis.del(NUDGES);
    return { reply: unpackReply(reply as Buffer, call.n, server), nudges };
  }

  /** The state in the form of twinDump; null where there is none. */
  dump(): Promise<unknown> {
    return storedDump(this.#redis, KEY, this.journalNodes);
  }

  /** Nodes of which something newer than their records is told beside them. */
  async withEntries(): Promise<number> {
    return (await storedNodes(this.#redis, KEY)).filter(({ entries }) => entries.length > 0).length;
  }
}
