-- Which nodes a device's tree has (twin/tree.ts).
-- #include order

local list, unlist, open_leaf, sweep
do
  -- #define SWEEP 16
  -- #define SWEEP_FOR_EACH 4
  -- #define KEEP_US 1000000

  local function parent_of(tag)
    return string.match(tag, '^(.*)/[^/]*$') or ''
  end

  -- Nobody speaks of the node (any more).
  function list(node)
    node[LISTED_SINCE] = meta.clock_us
    touch(node)
    idle_changed[node[ID]] = node[LISTED_SINCE]
  end

  function unlist(node)
    idle_changed[node[ID]] = false
  end

  local function find_leaf(tag)
    local id = id_of_tag(tag)
    if not id then
      return nil
    end
    local node = node_of(id)
    if not node[INNER] then
      return node
    end
    return node[SELF] ~= NONE and node_of(node[SELF]) or nil
  end

  local function bound_passed(tag)
    local missing = 2
    local above = is_fair and tag or ''
    while above ~= '' and not id_of_tag(above) do
      missing = missing + 1
      above = parent_of(above)
    end
    if meta.nodes + missing > NODES_MAX then
      return string.format('a device holds at most %d nodes of tags', NODES_MAX)
    end
    local parent = node_of(above == '' and ROOT or id_of_tag(above))
    if parent[INNER] and parent[CHILDREN] >= CHILDREN_MAX then
      return string.format('%s holds at most %d children', above == '' and 'a device' or 'tag ' .. above, CHILDREN_MAX)
    end
    return nil
  end

  -- A node at the time of its home: nothing owed either way.
  local function place(tag, home, inner)
    meta.node_ids = meta.node_ids + 1
    meta.nodes = meta.nodes + 1
    local node = make_node(meta.node_ids, tag, home[ID], inner, home[V], home[SHIFTED])
    if home[CHILDREN] == 0 then
      unlist(home)
    end
    home[CHILDREN] = home[CHILDREN] + 1
    touch(home)
    list(node)
    return node
  end

  local function add_node(tag, home, inner, shares)
    local node = place(tag, home, inner)
    local said = shares[tag]
    if said then
      node[SHARES], node[SELF_SHARES], node[REVISION] = said[2], said[3], said[4]
    end
    set_tag(tag, node[ID])
    return node
  end

  -- An inner node takes the place of `leaf`, with counter, floor, deposit and turn; the leaf goes
  -- below it as the node's own and starts at the new domain's time.
  local function make_parent(leaf)
    local home = leaf[ABOVE]
    local inner = place(leaf[TAG], home, true)
    home[CHILDREN] = home[CHILDREN] - 1
    inner[SHARES], inner[SELF_SHARES], inner[REVISION] = leaf[SHARES], leaf[SELF_SHARES], leaf[REVISION]
    inner[VIO], inner[FLOOR], inner[DEPOSIT] = leaf[VIO], leaf[FLOOR], leaf[DEPOSIT]
    inner[ACTIVE], inner[SEQ], inner[BUSY] = leaf[ACTIVE], leaf[SEQ], leaf[BUSY]
    inner[CHILDREN] = 1
    inner[SELF] = leaf[ID]
    unlist(inner)
    set_tag(leaf[TAG], inner[ID])
    leaf[HOME] = inner[ID]
    leaf[SHIFT] = 0
    leaf[VIO] = 0
    leaf[FLOOR] = 0
    leaf[SHARES] = inner[SELF_SHARES]
    home[BELOW][leaf[ID]] = nil
    if leaf[BUSY] then
      inner[BUSY_CHILDREN] = 1
    end
    if leaf[ACTIVE] then
      inner[ACTIVE_CHILDREN] = 1
      inner[ACTIVE_SHARES] = leaf[SHARES]
      heap_remove(home[HEAP], leaf)
      heap_add(home[HEAP], inner)
    end
    attach(leaf)
    touch(leaf)
    return inner
  end

  -- The inner node that a tag's node is to compete below; what is missing on the way is made.
  local function home_for(tag, shares)
    local parent = parent_of(tag)
    if parent == '' then
      return node_of(ROOT)
    end
    local id = id_of_tag(parent)
    if not id then
      return add_node(parent, home_for(parent, shares), true, shares)
    end
    local known = node_of(id)
    return known[INNER] and known or make_parent(known)
  end

  -- The leaf of a tag, made where it is missing; or nil and in words the bound that would pass.
  function open_leaf(tag, shares)
    local known = find_leaf(tag)
    if known then
      return known
    end
    local bound = bound_passed(tag)
    if bound then
      return nil, bound
    end
    if not is_fair then
      return add_node(tag, node_of(ROOT), false, shares)
    end
    local id = id_of_tag(tag)
    if id then
      local inner = node_of(id)
      local leaf = place(inner[TAG], inner, false)
      leaf[SHARES] = inner[SELF_SHARES]
      inner[SELF] = leaf[ID]
      return leaf
    end
    return add_node(tag, home_for(tag, shares), false, shares)
  end

  -- Owing nothing: whoever comes back under the name starts where this counter would be raised to.
  local function may_forget(node)
    local home = node[ABOVE]
    if is_fair then
      end_busy_period(home)
      return node[VIO] <= home[V]
    end
    if is_fifo then
      return true
    end
    if meta.clock_us - node[IDLE_SINCE] < meta.settings.sleep_ms * 1000 then
      return false
    end
    return home[ACTIVE_CHILDREN] == 0 or node[VIO] <= lowest_active_vio(home)
  end

  local function forget(node)
    local home = node[ABOVE]
    note_vio(home, node[VIO])
    if home[SELF] == node[ID] then
      home[SELF] = NONE
    else
      set_tag(node[TAG], false)
    end
    gone[#gone + 1] = node
    nodes[node[ID]] = false
    home[BELOW][node[ID]] = nil
    unlist(node)
    meta.nodes = meta.nodes - 1
    home[CHILDREN] = home[CHILDREN] - 1
    touch(home)
    if home[CHILDREN] == 0 and home[ID] ~= ROOT then
      list(home)
    end
  end

  -- Forgets what it may among the nodes that were idle longest.
  function sweep(made)
    flush_idle()
    local due = redis.call('ZRANGE', K .. ':i', '-inf', meta.clock_us - KEEP_US, 'BYSCORE', 'LIMIT', 0, SWEEP + SWEEP_FOR_EACH * made)
    for _, member in ipairs(due) do
      local node = node_of((unpack_values('>I6', member)))
      if may_forget(node) then
        forget(node)
      else
        list(node)
      end
    end
  end
end
