-- One kind of shared records (policies, devices), and the life of their state.
--
-- meta        hash: schema, incarnation, revision, head, base, base_head, ready_ms
-- records     hash: key -> {"revision":N,"value":JSON}
-- tombstones  zset: key of a deleted record, by the revision that deleted it
-- log         stream: N-0 -> i: id of the write, e: {"revision":N,"key":K,"before":R|null,"after":R|null}
--
-- incarnation: a random id that the state gets when it is made. revision: rises by one a change.
-- head: id of the write that made the last change; two states that differ in (revision, head) have
-- gone different ways. base: revision at which the log begins, with its head. ready_ms: no write is
-- taken before this time of Redis, so that hosts can bring back what an emptied Redis has lost.

-- Revisions of a new state start above any of an earlier one: at the time in milliseconds, since
-- nobody writes a thousand times a second for long, and this much higher for bursts.
local REVISION_GAP = 1048576

local function number_text(number)
  return string.format('%.0f', number)
end

local function now_ms()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

local function read_meta(key)
  local values = redis.call('HMGET', key, 'schema', 'incarnation', 'revision', 'head', 'base', 'base_head', 'ready_ms')
  if not values[2] then
    return nil
  end
  return {
    schema = tonumber(values[1]),
    incarnation = values[2],
    revision = tonumber(values[3]),
    head = values[4],
    base = tonumber(values[5]),
    base_head = values[6],
    ready_ms = tonumber(values[7]),
  }
end

-- Begins a new life of the state, keeping the records that are there.
local function begin_life(keys, schema, incarnation, above, restore_ms)
  local revision = number_text(math.max(now_ms(), above) + REVISION_GAP)
  redis.call('DEL', keys.log)
  redis.call('HSET', keys.meta,
    'schema', schema, 'incarnation', incarnation, 'revision', revision, 'head', incarnation,
    'base', revision, 'base_head', incarnation, 'ready_ms', number_text(now_ms() + restore_ms))
  return read_meta(keys.meta)
end

-- {'schema', found} where this caller cannot read the state, else nil.
local function refuse_schema(meta, schema, oldest)
  if meta.schema > tonumber(schema) or meta.schema < tonumber(oldest) then
    return { 'schema', number_text(meta.schema) }
  end
  return nil
end

-- Revision and value of a record as stored.
local function split_record(record)
  local revision, value = string.match(record, '^{"revision":(%d+),"value":(.*)}$')
  return tonumber(revision), value
end

local function join_record(revision, value)
  return '{"revision":' .. number_text(revision) .. ',"value":' .. value .. '}'
end
