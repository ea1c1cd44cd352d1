-- Hosts: their leases, what becomes of what an ended one held, and of grants that are not fetched (twin/hosts.ts).
-- #include tree

local fetch_us, slots_used, end_epoch, end_leases, drop_row, clear_remains, revoke_unfetched, set_dormant, resume
do
  -- #define CLEAR_MAX 64
  -- #define FETCH_US_MIN 2000

  -- How long a host has to fetch a grant: about two of its exchanges.
  function fetch_us(host)
    local us = 2 * host.exchange_us
    return us > FETCH_US_MIN and us or FETCH_US_MIN
  end

  -- Slots that may be in use by the host, as far as the state knows.
  local function slots_of(host)
    local known = host.held + host.advance_idle
    return not host.confirmed and host.quota_held > known and host.quota_held or known
  end

  function slots_used()
    local sum = 0
    for _, host in ipairs(meta.hosts) do
      sum = sum + slots_of(host)
    end
    return sum
  end

  -- The host holds nothing any more; its rows are taken out of the tree call by call.
  function end_epoch(host)
    local left = {}
    for _, other in ipairs(meta.hosts) do
      if other ~= host then
        left[#left + 1] = other
      end
    end
    meta.hosts = left
    by_uid[host.uid] = nil
    dormant_more[host.uid] = nil
    redis.call('HDEL', K .. ':d', host.uid)
    if host.rows_end > 0 then
      meta.remains[#meta.remains + 1] = { host.uid, host.rows_end }
    end
  end

  function end_leases()
    local ended = {}
    for _, host in ipairs(meta.hosts) do
      if host.lease_end <= meta.clock_us then
        ended[#ended + 1] = host
      end
    end
    for _, host in ipairs(ended) do
      end_epoch(host)
    end
  end

  local function add_dormant(uid, leaf)
    local ids = dormant_more[uid] or {}
    dormant_more[uid] = ids
    ids[#ids + 1] = leaf[ID]
  end

  -- Nobody who waits at the leaf may be granted to: it leaves the order until one comes back.
  function set_dormant(leaf)
    for at = ROWS, #leaf, 4 do
      local uid = leaf[at]
      local host = by_uid[uid]
      if host and host.suspended and leaf[at + 1] > 0 then
        add_dormant(uid, leaf)
      end
    end
    deactivate(leaf)
  end

  -- A leaf has one row less.
  function drop_row(leaf, uid)
    local to = ROWS
    for at = ROWS, #leaf, 4 do
      if leaf[at] ~= uid then
        leaf[to], leaf[to + 1], leaf[to + 2], leaf[to + 3] = leaf[at], leaf[at + 1], leaf[at + 2], leaf[at + 3]
        to = to + 4
      end
    end
    for at = #leaf, to, -1 do
      leaf[at] = nil
    end
    touch(leaf)
    if leaf[ACTIVE] and not leaf_waits(leaf) then
      set_dormant(leaf)
    else
      reorder(leaf)
    end
    if leaf[BUSY] and not leaf_busy(leaf) then
      became_idle(leaf)
    end
    if #leaf < ROWS then
      list(leaf)
    end
  end

  function clear_remains()
    local first = meta.remains[1]
    if not first then
      return
    end
    local uid, upto = first[1], first[2]
    local from = upto > CLEAR_MAX and upto - CLEAR_MAX or 0
    local rows = {}
    for row = upto - 1, from, -1 do
      rows[#rows + 1] = row
    end
    load_rows(uid, rows, {})
    for _, row in ipairs(rows) do
      local leaf = leaf_of_row(uid, row)
      if leaf then
        set_row(uid, row, false)
        drop_row(node_of(leaf), uid)
      end
    end
    first[2] = from
    if from == 0 then
      table.remove(meta.remains, 1)
    end
  end

  local function revoke(host, leaf)
    local at = place_of_row(leaf, host.uid)
    local row = open_row(leaf, at)
    local open = row[GRANTED] - row[USED] - row[HANDED_BACK]
    row[PENDING] = (row[PENDING] * (open - 1)) / open
    row[GRANTED] = row[GRANTED] - 1
    local want, held = note_row(leaf, at, row)
    host.want = host.want + want
    host.held = host.held + held
    settle(leaf, row)
    touch(leaf)
    reorder(leaf)
    -- It left the order with its last grant, and what was taken back waits again: once the host calls.
    if not leaf[ACTIVE] and leaf[at + 1] > 0 then
      add_dormant(host.uid, leaf)
    end
    if leaf[BUSY] and not leaf_busy(leaf) then
      became_idle(leaf)
    end
  end

  -- Takes back what hosts did not fetch in time; such a host gets nothing more until it calls.
  function revoke_unfetched(caller)
    for _, host in ipairs(meta.hosts) do
      if #host.unfetched > 0 and host.id ~= caller and meta.clock_us - host.unfetched_since >= fetch_us(host) then
        local leaves = host.unfetched
        host.unfetched = {}
        host.suspended = true
        for _, id in ipairs(leaves) do
          revoke(host, node_of(id))
        end
      end
    end
  end

  -- A suspended host calls: what waits there counts again. It waited all the while, so what it was owed is not
  -- forgotten as that of an idle one is, up to a request for each slot: no return holds others up for longer.
  function resume(host)
    host.suspended = false
    local ids = read_dormant(host.uid)
    for _, id in ipairs(dormant_more[host.uid] or {}) do
      ids[#ids + 1] = id
    end
    if #ids == 0 then
      return
    end
    dormant_more[host.uid] = nil
    redis.call('HDEL', K .. ':d', host.uid)
    for _, id in ipairs(ids) do
      local leaf = node_if_any(id)
      local row = leaf and find_row(leaf, host.uid)
      if row and not leaf[ACTIVE] and row_want(row) > 0 then
        local cost = next_cost(row)
        activate(leaf, cost, row_held(row) > 0, meta.settings.depth * cost)
      end
    end
  end
end
