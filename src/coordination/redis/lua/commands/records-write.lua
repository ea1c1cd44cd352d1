-- Writes records, all or none, later writes seeing earlier ones; a write that changes nothing is none.
--
-- KEYS  1 meta  2 records  3 tombstones  4 log  5 the answer to this request id  6 channel
-- ARGV  1 schema of the caller  2 oldest schema that it reads  3 id of this write
--       4 '1' = remember the answer under KEYS 5, for 5 ms
--       6 events kept  7 tombstones kept
--       8… for each write: key, demand, value
--          demand: '' none, '*' nothing is there, else the revision that is there; value: JSON, '' deletes
-- Returns
--   {'ok', revision, event…}     what changed, in order
--   {'ok', …}                    the same as the first time, for a request id that was answered
-- Refuses
--   {'absent'}                   there is no state: sync first
--   {'schema', found}            the state is of a schema that the caller does not read
--   {'restoring', wait_ms}       hosts are bringing back what Redis lost
--   {'missing', index}           the write deletes what is not there; index from 1
--   {'mismatch', index, revision}  its demand does not hold; what is there, '' = nothing
-- #include records

local schema, oldest, id = ARGV[1], ARGV[2], ARGV[3]
local answer_kept = ARGV[4] == '1'

local meta = read_meta(KEYS[1])
if not meta then
  return { 'absent' }
end
local refusal = refuse_schema(meta, schema, oldest)
if refusal then
  return refusal
end
if answer_kept then
  local known = redis.call('GET', KEYS[5])
  if known then
    local answer = { 'ok' }
    for line in string.gmatch(known, '[^\n]+') do
      answer[#answer + 1] = line
    end
    return answer
  end
end
local wait_ms = meta.ready_ms - now_ms()
if wait_ms > 0 then
  return { 'restoring', number_text(wait_ms) }
end

-- What is there after the writes so far: false = nothing.
local staged = {}
local function present(key)
  if staged[key] == nil then
    staged[key] = redis.call('HGET', KEYS[2], key)
  end
  return staged[key]
end

local changes = {}
local revision = meta.revision
for at = 8, #ARGV, 3 do
  local key, demand, value = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  local index = number_text((at - 8) / 3 + 1)
  local before = present(key)
  local before_revision, before_value
  if before then
    before_revision, before_value = split_record(before)
  end
  if value == '' and not before then
    return { 'missing', index }
  end
  local holds = demand == '' or (demand == '*' and not before)
    or (before_revision ~= nil and demand == number_text(before_revision))
  if not holds then
    return { 'mismatch', index, before_revision and number_text(before_revision) or '' }
  end
  if value == '' or value ~= before_value then
    revision = revision + 1
    local after = value ~= '' and join_record(revision, value) or false
    staged[key] = after
    local event = '{"revision":' .. number_text(revision) .. ',"key":"' .. key .. '","before":'
      .. (before or 'null') .. ',"after":' .. (after or 'null') .. '}'
    changes[#changes + 1] = { key = key, after = after, revision = revision, event = event }
  end
end

local answer = { 'ok', number_text(revision) }
for _, change in ipairs(changes) do
  if change.after then
    redis.call('HSET', KEYS[2], change.key, change.after)
    redis.call('ZREM', KEYS[3], change.key)
  else
    redis.call('HDEL', KEYS[2], change.key)
    redis.call('ZADD', KEYS[3], number_text(change.revision), change.key)
  end
  redis.call('XADD', KEYS[4], 'MAXLEN', '=', ARGV[6], number_text(change.revision) .. '-0', 'i', id, 'e', change.event)
  answer[#answer + 1] = change.event
end
if #changes > 0 then
  redis.call('ZREMRANGEBYRANK', KEYS[3], 0, -tonumber(ARGV[7]) - 1)
  redis.call('HSET', KEYS[1], 'revision', number_text(revision), 'head', id)
  redis.call('SPUBLISH', KEYS[6], number_text(revision))
end
if answer_kept then
  redis.call('SET', KEYS[5], table.concat(answer, '\n', 2), 'PX', ARGV[5])
end
return answer
