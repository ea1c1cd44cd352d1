-- Brings a host's copy of the records up to date, and finds out when the state is not the one it knew.
--
-- KEYS  1 meta  2 records  3 tombstones  4 log
-- ARGV  1 schema of the caller  2 oldest schema that it reads
--       3 incarnation that its copy is of ('' = it has none)  4 revision and 5 head of its copy
--       6 a fresh id  7 how long a new state takes no writes, ms  8 '1' = the log, too
-- Returns
--   {'events', incarnation, revision, head, wait_ms, {event…}}     what came after the copy
--   {'snapshot', incarnation, revision, head, wait_ms, {event…}, {key, record…}, {key, revision…}}
--                                                                  all records, tombstones, with 8 the log
--   {'rejoin', incarnation}   the copy is of another life, or knows what the state does not: restore from it, then sync without a copy
-- Refuses
--   {'schema', found}         the state is of a schema that the caller does not read
-- #include records

local keys = { meta = KEYS[1], log = KEYS[4] }
local schema, oldest, incarnation, fresh = ARGV[1], ARGV[2], ARGV[3], ARGV[6]
local revision, head, restore_ms = tonumber(ARGV[4]), ARGV[5], tonumber(ARGV[7])

local meta = read_meta(keys.meta)
if meta then
  local refusal = refuse_schema(meta, schema, oldest)
  if refusal then
    return refusal
  end
else
  meta = begin_life(keys, schema, fresh, revision, restore_ms)
end
if incarnation ~= '' and incarnation ~= meta.incarnation then
  return { 'rejoin', meta.incarnation }
end

-- Where the copy stands in the log: 'here', 'before' what the log still has, or 'astray'.
local function standing()
  if incarnation == '' then
    return 'before'
  end
  if revision == meta.revision then
    return head == meta.head and 'here' or 'astray'
  end
  if revision > meta.revision then
    return 'astray'
  end
  if revision == meta.base then
    return head == meta.base_head and 'here' or 'astray'
  end
  local id = number_text(revision) .. '-0'
  local entry = redis.call('XRANGE', keys.log, id, id)[1]
  if not entry then
    return 'before'
  end
  return entry[2][2] == head and 'here' or 'astray'
end

local where = standing()
if where == 'astray' then
  -- Redis came back with older data (a restart, a replica): what hosts know is newer.
  meta = begin_life(keys, schema, fresh, math.max(revision, meta.revision), restore_ms)
  return { 'rejoin', meta.incarnation }
end

local function events_after(id)
  local events = {}
  for _, entry in ipairs(redis.call('XRANGE', keys.log, id, '+')) do
    events[#events + 1] = entry[2][4]
  end
  return events
end

-- Further off than it was ever put: the store's clock was set back, and counts from now.
if meta.ready_ms - now_ms() > restore_ms then
  meta.ready_ms = now_ms() + restore_ms
  redis.call('HSET', keys.meta, 'ready_ms', number_text(meta.ready_ms))
end
local wait_ms = number_text(math.max(0, meta.ready_ms - now_ms()))
local at = number_text(meta.revision)
-- A log that was cut after the copy's revision has lost events in between.
if where == 'here' then
  local first = redis.call('XRANGE', keys.log, '-', '+', 'COUNT', 1)[1]
  local first_revision = first and tonumber(string.match(first[1], '^(%d+)')) or meta.revision + 1
  if revision == meta.revision or first_revision <= revision + 1 then
    return { 'events', meta.incarnation, at, meta.head, wait_ms, events_after(number_text(revision + 1) .. '-0') }
  end
end
return {
  'snapshot', meta.incarnation, at, meta.head, wait_ms,
  ARGV[8] == '1' and events_after('-') or {},
  redis.call('HGETALL', KEYS[2]),
  redis.call('ZRANGE', KEYS[3], 0, -1, 'WITHSCORES'),
}
