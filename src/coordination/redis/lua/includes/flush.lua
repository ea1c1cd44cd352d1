-- Writes what a call has changed, each key and each field once.
-- #include journal

local flush_nodes, flush_idle, read_dormant, flush
do
  -- Sends a command whose pairs may be more than one call of Lua can carry.
  local function in_pieces(command, key, list, size)
    for from = 1, #list, size do
      redis.call(command, key, unpack(list, from, math.min(#list, from + size - 1)))
    end
  end

  -- A packed record is, in this order: how many rows, HEAD, the counter, TAIL, whose turn it is, the tag, and what follows them. Head and
  -- tail of a node rarely change, and packing a string is a tenth of packing its numbers.
  local HEAD_FORM = '<dddddd'
  local TAIL_FORM = '<dddddddd'
  local PACKED_INNER = '<Bc0dc0dHc0ddddddddd'
  local PACKED_ROW = '<dc0dddddHc0Hc0'
  local PACKED_SINGLE = '<Bc0dc0dHc0dddHdc0dddddHc0Hc0'

  local packed_leaf_forms = {}
  local function packed_leaf_form(rows)
    local form = packed_leaf_forms[rows]
    if not form then
      form = '<Bc0dc0dHc0' .. string.rep('dddHc0', rows)
      packed_leaf_forms[rows] = form
    end
    return form
  end

  local function pack_fixed(node)
    node[HEAD] = pack_values(HEAD_FORM, node[ID], node[HOME], node[INNER] and 1 or 0,
      node[SHARES], node[SELF_SHARES], node[REVISION])
    node[TAIL] = pack_values(TAIL_FORM, node[FLOOR], node[DEPOSIT],
      node[ACTIVE] and 1 or 0, node[SEQ], node[BUSY] and 1 or 0, node[IDLE_SINCE], node[LISTED_SINCE], node[SHIFT])
  end

  local function pack_row(row)
    return pack_values(PACKED_ROW,
      row[ROW], counts_of(row), row[GRANTED], row[PENDING], row[CHARGED], row[WEIGHT], row[WEIGHED],
      #row[COSTS], row[COSTS], #row[ARRIVALS], row[ARRIVALS])
  end

  -- Values one by one: with lists of them it takes twice as long.
  local function pack_inner(node)
    return pack_values(PACKED_INNER, 255, node[HEAD], node[VIO], node[TAIL], node[TURN], #node[TAG], node[TAG],
      node[V], node[MAX_VIO], node[QUIET_SINCE], node[BUSY_CHILDREN],
      node[ACTIVE_CHILDREN], node[ACTIVE_SHARES], node[CHILDREN], node[SELF], node[SHIFTED])
  end

  local function pack_leaf(node)
    local count = (#node - TAG) / 4
    if count == 1 then
      -- Most leaves have one row, and it is the one that changed.
      local row = node[ROWS + 3]
      if row[ROW] then
        local costs, arrivals = row[COSTS], row[ARRIVALS]
        return pack_values(PACKED_SINGLE, 1, node[HEAD], node[VIO], node[TAIL], node[TURN], #node[TAG], node[TAG],
          node[ROWS], node[ROWS + 1], node[ROWS + 2], ROW_BYTES + #costs + #arrivals,
          row[ROW], row[COUNTS] or counts_of(row), row[GRANTED], row[PENDING], row[CHARGED], row[WEIGHT], row[WEIGHED],
          #costs, costs, #arrivals, arrivals)
      end
    end
    local rows = {}
    for at = ROWS, #node, 4 do
      local rest = node[at + 3]
      if rest[ROW] then
        rest = pack_row(rest)
      end
      local to = #rows
      rows[to + 1], rows[to + 2], rows[to + 3], rows[to + 4], rows[to + 5] =
        node[at], node[at + 1], node[at + 2], #rest, rest
    end
    return pack_values(packed_leaf_form(count), count, node[HEAD], node[VIO], node[TAIL], node[TURN], #node[TAG], node[TAG], unpack(rows))
  end

  local added

  -- What stands in a stored order is a bound: nobody stands behind his counter. Where all children that are active
  -- are in memory the order is there, and a counter that has risen need not be told. Hosts of the version before take
  -- the bound for the counter: a state that they may have made keeps it exact.
  local function note_place(node)
    local home = node[ACTIVE] and node[HOME]
    if node[IN_ORDER] and node[IN_ORDER] ~= home then
      leave_stored_order(node)
    end
    if not home then
      return
    end
    local vio, bound = node[VIO], node[ORDER_VIO]
    if node[IN_ORDER] and bound and vio >= bound then
      local above = node[ABOVE]
      if vio == bound or (above[HERE] == above[ACTIVE_CHILDREN] and meta.schema > SCHEMA_EXACT) then
        return
      end
    end
    note_in(added, home, vio, member_of(node[SEQ], node[ID]))
    node[IN_ORDER], node[ORDER_VIO] = home, vio
  end

  local function add_whole(node, sets)
    if not node[HEAD] then
      pack_fixed(node)
    end
    local count = #sets
    sets[count + 1] = node[KEY]
    sets[count + 2] = node[INNER] and pack_inner(node) or pack_leaf(node)
    note_whole(node)
  end

  function flush_nodes()
    local sets, dels = {}, {}
    added = {}
    for i, node in ipairs(gone) do
      dels[i] = node[KEY]
      note_gone(node)
      if node[IN_ORDER] then
        leave_stored_order(node)
      end
    end
    for i = 1, #changed do
      local node = changed[i]
      if nodes[node[ID]] == node then
        if not note_entry(node) then
          add_whole(node, sets)
        end
        note_place(node)
      end
      node[CHANGED] = false
    end
    changed = {}
    for _, node in ipairs(take_stale()) do
      add_whole(node, sets)
    end
    for home, list in pairs(removed) do
      in_pieces('ZREM', K .. ':o' .. home, list, 4000)
    end
    removed = {}
    for home, list in pairs(added) do
      in_pieces('ZADD', K .. ':o' .. home, list, 4000)
    end
    in_pieces('HSET', K .. ':n', sets, 4000)
    in_pieces('HDEL', K .. ':n', dels, 4000)
    flush_entries()
  end

  local function flush_map(key, map, changed)
    local sets, dels = {}, {}
    for field in pairs(changed) do
      local value = map[field]
      if value then
        sets[#sets + 1] = field
        sets[#sets + 1] = value
      else
        dels[#dels + 1] = field
      end
    end
    in_pieces('HSET', key, sets, 4000)
    in_pieces('HDEL', key, dels, 4000)
  end

  function flush_idle()
    local added, removed = {}, {}
    for id, since in pairs(idle_changed) do
      if since then
        added[#added + 1] = since
        added[#added + 1] = pack_values('>I6', id)
      else
        removed[#removed + 1] = pack_values('>I6', id)
      end
    end
    in_pieces('ZADD', K .. ':i', added, 4000)
    in_pieces('ZREM', K .. ':i', removed, 4000)
    idle_changed = {}
  end

  function read_dormant(uid)
    local blob = redis.call('HGET', K .. ':d', uid)
    return blob and cmsgpack.unpack(blob) or {}
  end

  local function flush_dormant()
    for uid, more in pairs(dormant_more) do
      local ids = read_dormant(uid)
      for _, id in ipairs(more) do
        ids[#ids + 1] = id
      end
      redis.call('HSET', K .. ':d', uid, cmsgpack.pack(ids))
    end
  end

  function flush()
    flush_nodes()
    flush_map(K .. ':t', tag_ids, tag_changed)
    for uid, changed in pairs(row_changed) do
      flush_map(K .. ':r' .. uid, row_leaves[uid], changed)
    end
    flush_idle()
    flush_dormant()
    remember(write_meta())
    for _, host in ipairs(nudges) do
      publish_nudge(host)
    end
  end
end
