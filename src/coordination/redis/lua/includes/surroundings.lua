-- What the exchange takes from around it: the key and the arguments of the call, the store's time, and the way to
-- hosts that are to be nudged.

-- Of counters that are told beside the records (journal.lua): bytes for each node, what a handful of its entries take,
-- and in all; after how many calls that found the state in memory they begin; and of how many nodes one call may have
-- to read them: of a device with more there are none.
-- #define JOURNAL_A_NODE 1024
-- #define JOURNAL_MOST 1048576
-- #define JOURNAL_WARM 64
-- #define JOURNAL_NODES 4096

local K, arguments

local function store_us()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000000 + tonumber(time[2])
end

local function publish_nudge(host)
  redis.call('SPUBLISH', K .. ':nudge:' .. host, '')
end
