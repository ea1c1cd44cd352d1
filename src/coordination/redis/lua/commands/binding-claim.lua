-- Says what a host's binding of a device is, and finds out whether other hosts have another.
--
-- KEYS  1 binding: string 'SIZE BLOCK IDENTITY', kept while some host has the device open
-- ARGV  1 size, bytes  2 block, bytes  3 identity ('' = not known here)  4 how long the claim holds, ms
-- Returns
--   {'ok'}
-- Refuses
--   {'differs', size, block, identity}   what other hosts have

local size, block, identity = string.match(redis.call('GET', KEYS[1]) or '', '^(%d+) (%d+) (.*)$')
if size then
  local other = identity ~= '' and ARGV[3] ~= '' and identity ~= ARGV[3]
  if size ~= ARGV[1] or block ~= ARGV[2] or other then
    return { 'differs', size, block, identity }
  end
end
-- Hosts that know the identity tell it for those that do not.
local known = ARGV[3] ~= '' and ARGV[3] or identity or ''
redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. ARGV[2] .. ' ' .. known, 'PX', ARGV[4])
return { 'ok' }
