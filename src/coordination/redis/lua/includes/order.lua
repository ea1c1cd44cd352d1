-- Who goes first among the children of a node (twin/order.ts).
-- #include rows

local end_busy_period, note_vio, became_busy, became_idle, look_further, lowest_active_vio, reorder, activate, deactivate, pay_deposits, charge, set_shares, settle
do
  local function scale()
    return is_stride and meta.settings.global_shares or SCALE
  end

  function note_vio(home, vio)
    if vio > home[MAX_VIO] then
      home[MAX_VIO] = vio
      touch_counter(home)
    end
  end

  function end_busy_period(home)
    if home[BUSY_CHILDREN] > 0 then
      return
    end
    if meta.clock_us - home[QUIET_SINCE] < meta.settings.idle_reset_ms * 1000 then
      return
    end
    if home[MAX_VIO] > home[V] then
      home[V] = home[MAX_VIO]
      touch(home)
    end
  end

  function became_busy(leaf)
    local node = leaf
    while node[ID] ~= ROOT do
      local home = node[ABOVE]
      node[BUSY] = true
      touch(node)
      end_busy_period(home)
      home[BUSY_CHILDREN] = home[BUSY_CHILDREN] + 1
      touch(home)
      if home[BUSY_CHILDREN] > 1 then
        return
      end
      node = home
    end
  end

  function became_idle(leaf)
    local node = leaf
    node[IDLE_SINCE] = meta.clock_us
    while node[ID] ~= ROOT do
      local home = node[ABOVE]
      node[BUSY] = false
      touch(node)
      home[BUSY_CHILDREN] = home[BUSY_CHILDREN] - 1
      touch(home)
      if home[BUSY_CHILDREN] > 0 then
        return
      end
      home[QUIET_SINCE] = meta.clock_us
      node = home
    end
  end

  local function join(node, home)
    if node[IN_ORDER] then
      leave_stored_order(node)
    end
    meta.activations = meta.activations + 1
    node[ACTIVE] = true
    node[SEQ] = meta.activations
    home[ACTIVE_CHILDREN] = home[ACTIVE_CHILDREN] + 1
    home[ACTIVE_SHARES] = home[ACTIVE_SHARES] + node[SHARES]
    home[HERE] = home[HERE] + 1
    heap_add(home[HEAP], node)
    touch(node)
    touch(home)
  end

  local function leave(node, home)
    node[ACTIVE] = false
    home[ACTIVE_CHILDREN] = home[ACTIVE_CHILDREN] - 1
    home[ACTIVE_SHARES] = home[ACTIVE_SHARES] - node[SHARES]
    home[HERE] = home[HERE] - 1
    heap_remove(home[HEAP], node)
    touch(node)
    touch(home)
  end

  -- All active children, read where they were not yet.
  local function load_active(home)
    if home[HERE] == home[ACTIVE_CHILDREN] then
      return
    end
    local ids = {}
    for _, member in ipairs(redis.call('ZRANGE', K .. ':o' .. home[ID], 0, -1)) do
      local _, id = unpack_values('>I6I6', member)
      if nodes[id] == nil then
        ids[#ids + 1] = id
      end
    end
    for from = 1, #ids, 4000 do
      load_all({ unpack(ids, from, math.min(#ids, from + 3999)) })
    end
  end

  -- Children read from an order at first, and at a time after that: of most orders one is needed.
  -- #define CHUNK_FIRST 3
  -- #define CHUNK 16

  -- Reads on in the stored order, until nobody who is only there can stand before the first in memory. Who is in
  -- memory is passed over: the record counts, not what the order still has. Where that is too low it is told anew,
  -- so that it is not in the way for ever.
  function look_further(home)
    local walk = walks[home[ID]]
    if not walk then
      walk = { list = {}, at = 1, read = 0, chunk = CHUNK_FIRST }
      walks[home[ID]] = walk
    end
    local heap = home[HEAP]
    while home[HERE] < home[ACTIVE_CHILDREN] do
      local list, at = walk.list, walk.at
      if at > #list then
        list = redis.call('ZRANGE', K .. ':o' .. home[ID], walk.read, walk.read + walk.chunk - 1, 'WITHSCORES')
        if #list == 0 then
          return
        end
        walk.list, walk.at, at = list, 1, 1
        walk.read = walk.read + walk.chunk
        walk.chunk = CHUNK
      end
      local seq, id = unpack_values('>I6I6', list[at])
      local vio = tonumber(list[at + 1])
      local first = heap[1]
      if first and (first[VIO] < vio or (first[VIO] == vio and first[SEQ] < seq)) then
        return
      end
      local node = node_of(id)
      if node and node[VIO] > vio then
        node[ORDER_VIO] = false
        touch(node)
      end
      walk.at = at + 2
    end
  end

  -- The lowest counter of an active child; nil where there is none.
  function lowest_active_vio(home)
    if home[HERE] < home[ACTIVE_CHILDREN] then
      look_further(home)
    end
    local first = home[HEAP][1]
    return first and first[VIO]
  end

  -- When the oldest request arrived that waits at the leaf in a host that may be granted to.
  local function oldest_arrival(leaf)
    local oldest
    for at = ROWS, #leaf, 4 do
      local host = by_uid[leaf[at]]
      if leaf[at + 1] > 0 and host and not host.suspended then
        local arrival = next_arrival(open_row(leaf, at))
        if not oldest or arrival < oldest then
          oldest = arrival
        end
      end
    end
    return oldest or leaf[VIO]
  end

  -- Of `fifo`: what a leaf is ordered by may have changed.
  function reorder(leaf)
    if is_fifo and leaf[ACTIVE] then
      leaf[VIO] = oldest_arrival(leaf)
      heap_moved(leaf[ABOVE][HEAP], leaf)
      touch_counter(leaf)
    end
  end

  -- The paper's rule for a sleeper, as core/scheduling/stride.ts has it.
  local function wake(leaf, root)
    leaf[FLOOR] = 0
    if meta.settings.sleep_rule == 'as-written' then
      return
    end
    if meta.clock_us - leaf[IDLE_SINCE] < meta.settings.sleep_ms * 1000 or root[ACTIVE_CHILDREN] == 0 then
      return
    end
    local lowest = lowest_active_vio(root)
    if lowest > leaf[VIO] then
      leaf[VIO] = lowest
    end
    leaf[FLOOR] = leaf[VIO]
  end

  -- Something of `leaf` waits again, the next request at this cost: it and its idle ancestors join their orders, as far
  -- behind as the credit and `owed` say, in units of cost.
  function activate(leaf, cost, was_busy, owed)
    if not is_fair then
      local root = node_of(ROOT)
      if is_stride and not was_busy then
        wake(leaf, root)
      end
      if is_fifo then
        leaf[VIO] = oldest_arrival(leaf)
      end
      join(leaf, root)
      return
    end
    local node = leaf
    while node[ID] ~= ROOT and not node[ACTIVE] do
      local home = node[ABOVE]
      local floor = home[V] - ((meta.settings.credit + owed) * SCALE) / node[SHARES]
      local vio = node[VIO] > floor and node[VIO] or floor
      if node[DEPOSIT] < cost then
        vio = vio + ((cost - node[DEPOSIT]) * SCALE) / node[SHARES]
        node[DEPOSIT] = cost
        note_vio(home, vio)
      end
      node[FLOOR] = floor
      node[VIO] = vio
      join(node, home)
      node = home
    end
  end

  -- Nothing of `leaf` waits that could be granted: it and its ancestors without another such child leave their orders.
  function deactivate(leaf)
    local node = leaf
    while node[ID] ~= ROOT do
      local home = node[ABOVE]
      note_vio(home, node[VIO])
      leave(node, home)
      if home[ACTIVE_CHILDREN] > 0 then
        return
      end
      node = home
    end
  end

  -- Pays what each node of the path is short of for a request of this cost.
  function pay_deposits(leaf, cost)
    local node = leaf
    while node[ID] ~= ROOT do
      local home = node[ABOVE]
      if node[DEPOSIT] < cost then
        node[VIO] = node[VIO] + ((cost - node[DEPOSIT]) * SCALE) / node[SHARES]
        node[DEPOSIT] = cost
        note_vio(home, node[VIO])
        heap_moved(home[HEAP], node)
        touch(node)
      end
      node = home
    end
  end

  -- Those in memory catch up, and are put in order anew: who was held at the floor may stand elsewhere among equals.
  local function shift_all(home)
    local standing = home[HEAP]
    home[HEAP] = {}
    for _, node in pairs(home[BELOW]) do
      shift_node(node, home)
    end
    for _, node in ipairs(standing) do
      heap_add(home[HEAP], node)
    end
  end

  -- Takes the domain's time back to less than 1 and its counters with it. Who is active is read and
  -- written now, as the order has its counter; the others when they are next read.
  local function renormalise(home)
    local base = floor(home[V])
    load_active(home)
    home[V] = home[V] - base
    home[MAX_VIO] = home[MAX_VIO] > base and home[MAX_VIO] - base or 0
    home[SHIFTED] = home[SHIFTED] + base
    touch(home)
    shift_all(home)
  end

  -- The paper's reinitialisation: every counter 0.
  local function reset_all()
    local root = node_of(ROOT)
    load_active(root)
    root[SHIFTED] = root[SHIFTED] + 1
    touch(root)
    shift_all(root)
  end

  function charge(leaf, cost, picked)
    if is_fifo then
      return
    end
    local units = cost * scale()
    local node, home = leaf, leaf[ABOVE]
    while home do
      local before = node[VIO]
      local after = before + units / node[SHARES]
      node[VIO] = after
      heap_raised(home[HEAP], node)
      if not node[CHANGED] then
        touch_counter(node)
      end
      -- Who is in the order is noted on leaving it: what is charged until then may be taken back.
      if not node[ACTIVE] and after > home[MAX_VIO] then
        home[MAX_VIO] = after
      end
      if is_fair then
        if before > home[V] and (picked or home[ACTIVE_CHILDREN] - (node[ACTIVE] and 1 or 0) == 0) then
          home[V] = before
        end
        if home[V] > RENORMALISE_AT then
          renormalise(home)
        end
      end
      if not home[CHANGED] then
        touch_counter(home)
      end
      node, home = home, home[ABOVE]
    end
    if is_stride and leaf[VIO] >= meta.settings.threshold then
      reset_all()
    end
  end

  -- Takes a charge back; never below where the node stood when it was last activated.
  local function refund(leaf, cost)
    if is_fifo then
      return
    end
    local units = cost * scale()
    local node = leaf
    while node[ID] ~= ROOT do
      local home = node[ABOVE]
      local vio = node[VIO] - units / node[SHARES]
      node[VIO] = vio > node[FLOOR] and vio or node[FLOOR]
      heap_moved(home[HEAP], node)
      touch_counter(node)
      node = home
    end
  end

  -- New shares: in `fair` what a node is ahead or behind, in cost units, stays what it was.
  function set_shares(node, shares)
    if node[SHARES] == shares or node[ID] == ROOT then
      return
    end
    local home = node[ABOVE]
    if node[ACTIVE] then
      home[ACTIVE_SHARES] = home[ACTIVE_SHARES] + (shares - node[SHARES])
      touch(home)
    end
    if is_fair then
      local ratio = node[SHARES] / shares
      node[VIO] = home[V] + (node[VIO] - home[V]) * ratio
      node[FLOOR] = home[V] + (node[FLOOR] - home[V]) * ratio
      note_vio(home, node[VIO])
      heap_moved(home[HEAP], node)
    end
    node[SHARES] = shares
    touch(node)
  end

  -- What a row was charged, made equal to what it says was dispatched and what is still on its way (twin/settle.ts).
  function settle(leaf, row)
    local due = reported_charge(row) + row[PENDING]
    local difference = due - row[CHARGED]
    row[CHARGED] = due
    if difference > 0 then
      charge(leaf, difference, false)
    elseif difference < 0 then
      refund(leaf, -difference)
    end
  end
end
