-- A host tells how it stands, and hears of the others.
-- KEYS[1]  hash: host id -> `MODE MS`, the store's time when it was told
-- ARGV[1]  host id
-- ARGV[2]  its mode; '' takes it off the list
-- ARGV[3]  milliseconds after which a host that says nothing is no longer listed
-- Returns  {id, mode, id, mode, …} of all that are listed, in no order. Refuses nothing.
local key, host, mode, keep_ms = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3])
local time = redis.call('TIME')
local now_ms = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

if mode == '' then
  redis.call('HDEL', key, host)
else
  redis.call('HSET', key, host, mode .. ' ' .. string.format('%.0f', now_ms))
end

local listed = {}
local all = redis.call('HGETALL', key)
for i = 1, #all, 2 do
  local said, at_ms = string.match(all[i + 1], '^(%S+) (%d+)$')
  -- Told before the store's clock was set back: who still runs tells again.
  if said == nil or math.abs(now_ms - tonumber(at_ms)) > keep_ms then
    redis.call('HDEL', key, all[i])
  else
    listed[#listed + 1] = all[i]
    listed[#listed + 1] = said
  end
end
return listed
