/**
 * Lua scripts, loaded from files: lua/commands/NAME.lua, in which a line `-- #include NAME` stands
 * for lua/includes/NAME.lua, once each, and `-- #define NAME NUMBER` makes a constant. They share functions and constants that way, and Redis
 * gets one text by whose digest it is called.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { SluiceError } from '../../core/model/errors.js';

/** What Redis keeps by name from call to call, memory included: a library with one function of the same name. */
export interface Library {
  readonly name: string;
  /** With the digest of the text in it: versions stand beside each other while hosts are upgraded. */
  readonly called: string;
  readonly text: string;
}

export interface Script {
  readonly name: string;
  readonly text: string;
  /** SHA-1 of the text, by which EVALSHA calls it. */
  readonly digest: string;
}

/** In a checkout the source itself, so that no build is needed to see a change; in a package the copy beside this file. */
const SOURCE = new URL('../../../src/coordination/redis/lua/', import.meta.url);
export const LUA_DIR = fileURLToPath(existsSync(SOURCE) ? SOURCE : new URL('./lua/', import.meta.url));

/** A constant: a number that every call would otherwise load anew, and each function carry a reference to. */
const DEFINE = /^\s*-- #define ([A-Z][A-Z0-9_]*) (-?[0-9.e]+)$/;
const INCLUDE = /^-- #include ([a-z-]+)$/;

/** @throws SluiceError INTERNAL where a file is missing: the installation is not whole */
export function loadScript(name: string, folder = LUA_DIR): Script {
  const text = inline(resolve(`commands/${name}`, folder, new Set()));
  return { name, text, digest: createHash('sha1').update(text).digest('hex') };
}

/**
 * A command whose file ends in `local function run(keys, args)` instead of running by itself.
 * @throws as loadScript
 */
export function loadLibrary(name: string, folder = LUA_DIR): Library {
  const { text, digest } = loadScript(name, folder);
  const called = `sluice_${name}_${digest}`;
  return { name, called, text: `#!lua name=${called}\n${text}\nredis.register_function('${called}', run)\n` };
}

/** Puts the value of each constant where its name stands. */
function inline(lines: readonly string[]): string {
  const values = new Map<string, string>();
  for (const line of lines) {
    const [, name, value] = DEFINE.exec(line) ?? [];
    if (name !== undefined && value !== undefined) values.set(name, value);
  }
  const text = lines.join('\n');
  return values.size === 0 ? text : text.replace(/\b[A-Z][A-Z0-9_]*\b/g, (name) => values.get(name) ?? name);
}

function resolve(file: string, folder: string, seen: Set<string>): string[] {
  seen.add(file);
  let text: string;
  try {
    text = readFileSync(`${folder}/${file}.lua`, 'utf8');
  } catch (error) {
    throw new SluiceError('INTERNAL', `the Lua file ${file}.lua of the Redis store is missing: reinstall or build`, {
      cause: error,
    });
  }
  return text.split('\n').flatMap((line) => {
    const included = INCLUDE.exec(line)?.[1];
    if (included === undefined) return [line];
    return seen.has(`includes/${included}`) ? [] : resolve(`includes/${included}`, folder, seen);
  });
}
