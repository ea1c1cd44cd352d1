-- One exchange between a host and the shared state of a device: time and leases; who calls; what it
-- says; grants while slots are free and somebody waits; the reply. Absolute state and monotone
-- counters only: src/coordination/exchange/protocol.ts. The twin's exchange.ts, step for step.
--
-- keys  1 the device's state, sluice:{DEVICE}:exchange; all other keys begin with it and ':', in the same slot
-- args  1 the call but for its rows, a message-packed array in the order of `said` below
--       2 the rows, one behind the other as report.lua says
--       3 run id of the server that this connection leads to
--       4 a fresh id for an incarnation, should one begin
-- Returns, message-packed
--   {status, code, message, incarnation, epoch, {row, granted …}, {{row, code, message}…}, grants made,
--    settling, advance, outage quota, depth, slots used, hosts, contended, again us}
--   status: 'ok', 'rejoin', 'stale', 'in-use', 'refused'
-- Refuses
--   UNSUPPORTED  the state is of a newer schema; nothing is changed
--   QUEUE_FULL   a device has as many hosts as it can
-- Publishes
--   '' on sluice:{DEVICE}:exchange:nudge:HOST (sharded), once until the host calls: it has grants or is asked for its advance
-- #include parts

-- #define SETTLE 0.25
-- #define AWAY 0.25

local said, server, fresh

local function hear()
  local argument = cmsgpack.unpack(arguments[1])
  local bytes = arguments[2]
  server, fresh = arguments[3], arguments[4]
  local rows, count = {}, 0
  local at, last = 1, #bytes
  while at <= last do
    local row = { unpack_values(SAID_FORM, bytes, at) }
    at = row[R_LEAF]
    row[R_LEAF] = false
    count = count + 1
    rows[count] = row
  end
  said = {
    device = argument[1], host = argument[2], kind = argument[3], incarnation = argument[4],
    epoch = argument[5], n = argument[6], acked = argument[7], lease_us = argument[8],
    settings = argument[9], settings_revision = argument[10], exchange_us = argument[11],
    advance = argument[12], outage_quota = argument[13], hosts = argument[14], advance_idle = argument[15],
    rows = rows, nodes = argument[16], forget = argument[17],
  }
end

local function reply(status, code, message)
  local incarnation = meta and status ~= 'refused' and meta.incarnation or ''
  return cmsgpack.pack({
    status, code or 'OK', message or '', incarnation, said.epoch, {}, {}, 0, false, 0, 0, 0, 0, 0, false, 0,
  })
end

local function settings_said()
  local s = said.settings
  return {
    scheduler = s[1], depth = s[2], credit = s[3], idle_reset_ms = s[4],
    global_shares = s[5], sleep_ms = s[6], threshold = s[7], sleep_rule = s[8],
  }
end

local function know_scheduler()
  local scheduler = meta.settings.scheduler
  is_fair, is_stride, is_fifo = scheduler == 'fair', scheduler == 'stride', scheduler == 'fifo'
end

local function make_root()
  make_node(ROOT, '', NONE, true, 0, 0)
end

local function new_state(now)
  meta = {
    schema = SCHEMA, incarnation = fresh, server = server, store_us = now, clock_us = 0, born_us = 0,
    settings = settings_said(), settings_revision = said.settings_revision,
    node_ids = 0, uids = 0, activations = 0, grants_made = 0, nodes = 1,
    contended = false, calm_since = 0, settling_until = 0, expected = 0, returned = 0,
    unsure_until = 0, journal = 0,
    hosts = {}, remains = {},
  }
  know_scheduler()
  make_root()
end

-- The device's own clock (twin/clock.ts): absence of the store, another server or a jump of its time ends nobody's lease.
local function pass_time(now)
  local gap = now - meta.store_us
  local changed = server ~= meta.server
  if not changed and gap > 0 and gap <= said.lease_us * AWAY then
    meta.clock_us = meta.clock_us + gap
  end
  meta.store_us = now
  if not changed then
    return
  end
  meta.server = server
  local count = #meta.hosts
  if not (meta.clock_us < meta.settling_until and meta.expected > count) then
    meta.expected = count
  end
  meta.returned = 0
  for _, host in ipairs(meta.hosts) do
    host.confirmed = false
  end
  local upto = meta.clock_us + said.lease_us * SETTLE
  if upto > meta.settling_until then
    meta.settling_until = upto
  end
  meta.unsure_until = meta.clock_us + said.lease_us
end

local function host_named(id)
  for _, host in ipairs(meta.hosts) do
    if host.id == id then
      return host
    end
  end
  return nil
end

-- Whether the call may be taken in.
local function standing(known)
  if known then
    if said.n == known.n and said.epoch == known.epoch then
      return 'stale'
    end
    if said.n <= known.n or said.epoch < known.epoch then
      return 'in-use'
    end
  end
  if said.kind == 'join' then
    return 'ok'
  end
  if said.incarnation ~= meta.incarnation or not known then
    return 'rejoin'
  end
  if said.epoch ~= known.epoch or said.acked > known.n then
    return 'rejoin'
  end
  local numbers = {}
  local rows = said.rows
  for i = 1, #rows do
    numbers[i] = rows[i][R_ROW]
  end
  for _, number in ipairs(said.forget) do
    numbers[#numbers + 1] = number
  end
  load_rows(known.uid, numbers, known.unseen)
  return knows_rows(known, said.rows) and 'ok' or 'rejoin'
end

local function orders_below(id, found)
  found[#found + 1] = K .. ':o' .. id
  for _, member in ipairs(redis.call('ZRANGE', K .. ':o' .. id, 0, -1)) do
    local _, child = unpack_values('>I6I6', member)
    if node_of(child)[INNER] then
      orders_below(child, found)
    end
  end
  return found
end

-- Another scheduler takes over: the tree begins anew, and hosts say anew what waits and what they hold.
-- Only nodes that are active have orders, and they are found from the root down.
local function begin_anew()
  local keys = orders_below(ROOT, { K .. ':n', K .. ':t', K .. ':i', K .. ':d', K .. ':j0', K .. ':j1' })
  for _, host in ipairs(meta.hosts) do
    keys[#keys + 1] = K .. ':r' .. host.uid
  end
  for _, remains in ipairs(meta.remains) do
    keys[#keys + 1] = K .. ':r' .. remains[1]
  end
  -- Rows that this call has cleared, the last of an ended epoch: that is not written yet, and will not be.
  for uid in pairs(row_changed) do
    keys[#keys + 1] = K .. ':r' .. uid
  end
  for from = 1, #keys, 4000 do
    redis.call('UNLINK', unpack(keys, from, math.min(#keys, from + 3999)))
  end
  forget_nodes()
  begin_journal()
  changed, gone, tag_changed, row_changed, idle_changed, dormant_more = {}, {}, {}, {}, {}, {}
  make_root()
  meta.incarnation = fresh
  meta.born_us = meta.clock_us
  meta.nodes = 1
  meta.remains = {}
  meta.expected = #meta.hosts
  meta.returned = 0
  for _, host in ipairs(meta.hosts) do
    host.confirmed, host.want, host.weight, host.suspended = false, 0, 0, false
    host.unfetched, host.unseen, host.rows_end = {}, {}, 0
    nudge(host)
  end
end

local function add_host(before)
  meta.uids = meta.uids + 1
  local epoch = said.epoch
  if before and before.epoch >= epoch then
    epoch = before.epoch + 1
  end
  local host = {
    id = said.host, uid = meta.uids, epoch = epoch, n = said.n, lease_end = 0, exchange_us = 0,
    held = 0, advance = 0, advance_idle = 0, want = 0, weight = 0,
    quota_held = 0, confirmed = true, suspended = false, nudged = false,
    unfetched = {}, unfetched_since = 0, unseen = {}, rows_end = 0,
  }
  meta.hosts[#meta.hosts + 1] = host
  by_uid[host.uid] = host
  -- Nothing can be there of an epoch that begins.
  row_leaves[host.uid] = setmetatable({}, { __index = function() return false end })
  return host
end

-- A host of an earlier incarnation, or of this one's before another server took over, has come back: others may
-- hold what this state knows nothing of.
local function note_return()
  local is_new = said.incarnation ~= meta.incarnation
  if said.incarnation == '' or (not is_new and meta.clock_us >= meta.unsure_until) then
    return
  end
  meta.returned = meta.returned + 1
  if said.hosts > meta.expected then
    meta.expected = said.hosts
  end
  if not is_new then
    return
  end
  local upto = meta.born_us + said.lease_us
  if meta.returned >= meta.expected then
    meta.settling_until = 0
  elseif upto > meta.settling_until then
    meta.settling_until = upto
  end
end

-- The totals of rows with grants that the host has not said it saw.
local function unseen_grants(host)
  local granted, unseen, count = {}, {}, 0
  local ids, uid = host.unseen, host.uid
  for i = 1, #ids do
    local id = ids[i]
    local leaf = nodes[id] or node_if_any(id)
    local row = leaf and find_row(leaf, uid)
    if row and row[GRANTED] ~= row[SEEN] then
      count = count + 1
      granted[2 * count - 1], granted[2 * count] = row[ROW], row[GRANTED]
      unseen[count] = id
    end
  end
  host.unseen = unseen
  return granted
end

-- When a grant may be taken back from somebody, for one who waits.
local function again_us(caller)
  if caller.want == 0 then
    return 0
  end
  local soonest = 0
  for _, host in ipairs(meta.hosts) do
    if #host.unfetched > 0 then
      local left = host.unfetched_since + fetch_us(host) - meta.clock_us
      local us = left > 1 and left or 1
      if soonest == 0 or us < soonest then
        soonest = us
      end
    end
  end
  return soonest
end

local function take_in(host)
  host.n = said.n
  host.lease_end = meta.clock_us + said.lease_us
  host.exchange_us = said.exchange_us
  if not host.confirmed then
    note_return()
  end
  host.confirmed = true
  host.nudged = false
  host.advance = said.advance
  host.advance_idle = said.advance_idle
  host.quota_held = said.outage_quota
  host.unfetched = {}
  if host.suspended then
    resume(host)
  end
  take_nodes(said.nodes)
  local refused, made = take_rows(host, said.rows, said.nodes)
  forget_rows(host, said.forget)
  if not is_settling() then
    grant_all(host)
  end
  update_contention(host)
  local advance = give_advance(host, said.advance)
  local quota = give_quota(host)
  sweep(made)
  local granted = unseen_grants(host)
  return cmsgpack.pack({
    'ok', 'OK', '', meta.incarnation, host.epoch, granted, refused, meta.grants_made,
    is_settling(), advance, quota, meta.settings.depth, slots_used(), #meta.hosts, meta.contended, again_us(host),
  })
end

local function serve()
  local known = host_named(said.host)
  local status = standing(known)
  if status ~= 'ok' then
    return reply(status)
  end
  if said.settings_revision > meta.settings_revision then
    local settings = settings_said()
    local exchanged = settings.scheduler ~= meta.settings.scheduler
    if exchanged then
      flush_nodes()
    end
    meta.settings = settings
    meta.settings_revision = said.settings_revision
    know_scheduler()
    if exchanged then
      begin_anew()
      if said.kind ~= 'join' then
        return reply('rejoin')
      end
    end
  end
  local host = known
  if said.kind ~= 'exchange' then
    if host then
      end_epoch(host)
    end
    if said.kind == 'leave' then
      return reply('ok')
    end
    if #meta.hosts >= HOSTS_MAX then
      return reply('refused', 'QUEUE_FULL', string.format('a device is shared by at most %d hosts', HOSTS_MAX))
    end
    host = add_host(known)
    -- A host that joins once more, its first answer lost, is one and not two.
    if not (known and known.confirmed) then
      note_return()
    end
  end
  return take_in(host)
end

local function run(keys, args)
  K, arguments = keys[1], args
  find_names()
  hear()
  recall()
  local now = store_us()
  if not meta then
    if said.kind ~= 'join' then
      return reply('rejoin')
    end
    new_state(now)
  elseif meta.schema > SCHEMA then
    return reply('refused', 'UNSUPPORTED', string.format(
      'device %s has state of schema %d; this host reads up to %d', said.device, meta.schema, SCHEMA))
  end
  know_scheduler()
  by_uid = {}
  for _, host in ipairs(meta.hosts) do
    by_uid[host.uid] = host
  end
  read_journal()
  pass_time(now)
  end_leases()
  clear_remains()
  revoke_unfetched(said.host)
  local answer = serve()
  flush()
  return answer
end
