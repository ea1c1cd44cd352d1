/**
 * What the service needs of Redis, in one place: the start checks it, docs/coordination.md lists
 * it, and a test holds it against the Lua files and the calls.
 */

export const REDIS_MAJOR_MIN = 7;

/** All keys and channels begin so. */
export const KEY_PREFIX = 'sluice:';

/** A key of its own hash tag, for trying what the user may do. */
export const PROBE_KEY = `${KEY_PREFIX}{probe}`;

/** Commands and an harmless use of each, for an ACL that allows no more: `K` stands for the probe key. */
export const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  INFO: ['server'],
  TIME: [],
  EVAL: ["return redis.call('EXISTS', KEYS[1])", '1', 'K'],
  EVALSHA: ['0000000000000000000000000000000000000000', '1', 'K'],
  FCALL: ['sluice_probe', '1', 'K'],
  'FUNCTION|LOAD': ['#!lua name=sluice_probe\n'],
  EXISTS: ['K'],
  GET: ['K'],
  SET: ['K', '1', 'PX', '1000'],
  APPEND: ['K', '1'],
  PEXPIRE: ['K', '1000'],
  DEL: ['K'],
  UNLINK: ['K'],
  HSET: ['K', 'f', '1'],
  HGET: ['K', 'f'],
  HMGET: ['K', 'f'],
  HGETALL: ['K'],
  HLEN: ['K'],
  HEXISTS: ['K', 'f'],
  HINCRBY: ['K', 'f', '1'],
  HSCAN: ['K', '0'],
  HKEYS: ['K'],
  HDEL: ['K', 'f'],
  ZADD: ['K', '1', 'm'],
  ZSCORE: ['K', 'm'],
  ZCARD: ['K'],
  ZRANGE: ['K', '0', '0'],
  ZREM: ['K', 'm'],
  ZREMRANGEBYRANK: ['K', '0', '0'],
  XADD: ['K', '1-0', 'e', '1'],
  XRANGE: ['K', '-', '+', 'COUNT', '1'],
  XLEN: ['K'],
  SPUBLISH: ['K', 'probe'],
};

export const ACL_EXAMPLE = `~${KEY_PREFIX}* &${KEY_PREFIX}* ${['SSUBSCRIBE', 'SUNSUBSCRIBE', ...Object.keys(COMMANDS)]
  .map((name) => `+${name.toLowerCase()}`)
  .join(' ')}`;
