-- Takes back from a host's copy what the state has lost: of each record the newest revision counts,
-- of a deletion too. Any number of hosts may do it, any number of times.
--
-- KEYS  1 meta  2 records  3 tombstones  4 log  5 channel
-- ARGV  1 schema of the caller  2 oldest schema that it reads
--       3 incarnation that the copy is offered to  4 revision of the copy  5 a fresh id  6 tombstones kept
--       7… for each record: key, revision, value (JSON, '' = deleted)
-- Returns
--   {'ok', taken}             how many of them were newer than what was there
--   {'rejoin', incarnation}   the state has begun another life meanwhile, '' = is gone: sync first
-- Refuses
--   {'schema', found}         the state is of a schema that the caller does not read
-- #include records

local meta = read_meta(KEYS[1])
if not meta then
  return { 'rejoin', '' }
end
local refusal = refuse_schema(meta, ARGV[1], ARGV[2])
if refusal then
  return refusal
end
if meta.incarnation ~= ARGV[3] then
  return { 'rejoin', meta.incarnation }
end

local taken = 0
for at = 7, #ARGV, 3 do
  local key, revision, value = ARGV[at], tonumber(ARGV[at + 1]), ARGV[at + 2]
  local record = redis.call('HGET', KEYS[2], key)
  local there = tonumber(redis.call('ZSCORE', KEYS[3], key) or -1)
  if record then
    there = math.max(there, (split_record(record)))
  end
  if revision > there then
    taken = taken + 1
    if value ~= '' then
      redis.call('HSET', KEYS[2], key, join_record(revision, value))
      redis.call('ZREM', KEYS[3], key)
    else
      redis.call('HDEL', KEYS[2], key)
      redis.call('ZADD', KEYS[3], number_text(revision), key)
    end
  end
end
if taken > 0 then
  redis.call('ZREMRANGEBYRANK', KEYS[3], 0, -tonumber(ARGV[6]) - 1)
  -- No events: other copies are made anew, and have room for as many changes as came.
  local revision = number_text(math.max(meta.revision, tonumber(ARGV[4])) + taken)
  redis.call('DEL', KEYS[4])
  redis.call('HSET', KEYS[1], 'revision', revision, 'head', ARGV[5], 'base', revision, 'base_head', ARGV[5])
  redis.call('SPUBLISH', KEYS[5], revision)
end
return { 'ok', number_text(taken) }
