-- Writes what a call has changed, each key and each field once.
-- #include device-state

local flush_nodes, flush_idle, read_dormant, flush
do
  -- Sends a command whose pairs may be more than one call of Lua can carry.
  local function in_pieces(command, key, list, size)
    for from = 1, #list, size do
      redis.call(command, key, unpack(list, from, math.min(#list, from + size - 1)))
    end
  end

  local function pack_row(row)
    return pack_values(ROW_FORM,
      row[1], row[2], row[3], row[4], row[5], row[6], row[7], row[8], row[9], row[10], row[11], row[12], row[13],
      #row[COSTS], row[COSTS], #row[ARRIVALS], row[ARRIVALS])
  end

  -- Values one by one: with lists of them it takes twice as long.
  local function pack_inner(node)
    return pack_values(INNER_FORM, 255,
      node[1], node[2], 1, node[4], node[5], node[6], node[7], node[8], node[9],
      node[ACTIVE] and 1 or 0, node[SEQ], node[BUSY] and 1 or 0, node[13], node[14], node[15], node[16],
      #node[TAG], node[TAG],
      node[V], node[19], node[20], node[21], node[22], node[23], node[24], node[25], node[26])
  end

  -- Most leaves have one row, and it is the one that changed.
  local function pack_single(node, row)
    local costs, arrivals = row[COSTS], row[ARRIVALS]
    return pack_values(SINGLE_FORM, 1,
      node[1], node[2], 0, node[4], node[5], node[6], node[7], node[8], node[9],
      node[ACTIVE] and 1 or 0, node[SEQ], node[BUSY] and 1 or 0, node[13], node[14], node[15], node[16],
      #node[TAG], node[TAG], node[ROWS], node[19], node[20], ROW_BYTES + #costs + #arrivals,
      row[1], row[2], row[3], row[4], row[5], row[6], row[7], row[8], row[9], row[10], row[11], row[12], row[13],
      #costs, costs, #arrivals, arrivals)
  end

  local function pack_leaf(node)
    local count = (#node - TAG) / 4
    if count == 1 and type(node[21]) == 'table' then
      return pack_single(node, node[21])
    end
    local rows = {}
    for at = ROWS, #node, 4 do
      local rest = node[at + 3]
      if type(rest) == 'table' then
        rest = pack_row(rest)
      end
      local to = #rows
      rows[to + 1], rows[to + 2], rows[to + 3], rows[to + 4], rows[to + 5] =
        node[at], node[at + 1], node[at + 2], #rest, rest
    end
    return pack_values(leaf_form(count), count,
      node[1], node[2], 0, node[4], node[5], node[6], node[7], node[8], node[9],
      node[ACTIVE] and 1 or 0, node[SEQ], node[BUSY] and 1 or 0, node[13], node[14], node[15], node[16],
      #node[TAG], node[TAG], unpack(rows))
  end

  local removed, added

  local function note(lists, home, value, member)
    local list = lists[home]
    if not list then
      list = {}
      lists[home] = list
    end
    list[#list + 1] = value
    list[#list + 1] = member
  end

  local function note_removed(node)
    note(removed, node.in_order, member_of(node.order_seq, node[ID]))
    node.in_order = nil
  end

  -- What stands in a stored order is a bound: nobody stands behind his counter. Where all children that are active
  -- are in memory the order is there, and a counter that has risen need not be told. Hosts of the version before take
  -- the bound for the counter: a state that they may have made keeps it exact.
  local function note_place(node)
    local home = node[ACTIVE] and node[HOME]
    if node.in_order and (node.in_order ~= home or node.order_seq ~= node[SEQ]) then
      note_removed(node)
    end
    if not home then
      return
    end
    local vio, bound = node[VIO], node.order_vio
    if node.in_order and bound and vio >= bound then
      local above = node.above
      if vio == bound or (above.here == above[ACTIVE_CHILDREN] and meta.schema > SCHEMA_EXACT) then
        return
      end
    end
    note(added, home, vio, member_of(node[SEQ], node[ID]))
    node.in_order, node.order_seq, node.order_vio = home, node[SEQ], vio
  end

  function flush_nodes()
    local sets, dels = {}, {}
    removed, added = {}, {}
    local count = 0
    for i = 1, #changed do
      local node = changed[i]
      node.changed = nil
      if not node.gone then
        sets[count + 1] = node.key
        sets[count + 2] = node[INNER] and pack_inner(node) or pack_leaf(node)
        count = count + 2
        note_place(node)
      end
    end
    changed = {}
    for i, node in ipairs(gone) do
      dels[i] = node.key
      if node.in_order then
        note_removed(node)
      end
    end
    for home, list in pairs(removed) do
      in_pieces('ZREM', K .. ':o' .. home, list, 4000)
    end
    for home, list in pairs(added) do
      in_pieces('ZADD', K .. ':o' .. home, list, 4000)
    end
    in_pieces('HSET', K .. ':n', sets, 4000)
    in_pieces('HDEL', K .. ':n', dels, 4000)
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
