-- Giving the free slots to who is owed them (twin/grant.ts).
-- #include report

local waiting_in_all, grant_all
do
  -- Requests that wait in hosts that may be granted to.
  function waiting_in_all()
    local sum = 0
    for _, host in ipairs(meta.hosts) do
      if not host.suspended then
        sum = sum + host.want
      end
    end
    return sum
  end

  -- Out of this search.
  local function set_aside(node)
    blocked[#blocked + 1] = node
    heap_remove(node[ABOVE][HEAP], node)
  end

  local function end_search()
    for _, node in ipairs(blocked) do
      if node[ACTIVE] and not node[PLACE] then
        heap_add(node[ABOVE][HEAP], node)
      end
    end
    blocked, walks = {}, {}
  end

  -- The leaf that stands first at every level.
  local function first_leaf()
    local node = nodes[ROOT]
    while node[INNER] do
      if node[HERE] < node[ACTIVE_CHILDREN] then
        look_further(node)
      end
      local child = node[HEAP][1]
      if child then
        node = child
      elseif node[ID] == ROOT then
        return nil
      else
        set_aside(node)
        node = nodes[ROOT]
      end
    end
    return node
  end

  -- Hosts with backlog of a tag take turns (fifo: the oldest request). The place of the row whose
  -- turn it is; nil: the leaf is out of this search.
  local function row_in_turn(leaf, caps)
    local count = (#leaf - TAG) / 4
    local chosen, capped = nil, false
    for i = 1, count do
      local turn = (leaf[TURN] + i) % count
      local at = ROWS + turn * 4
      local host = by_uid[leaf[at]]
      if leaf[at + 1] > 0 and host and not host.suspended then
        if host.held + host.advance_idle >= (caps[host.uid] or HUGE) then
          capped = true
        else
          if not chosen or (is_fifo and next_arrival(open_row(leaf, at)) < next_arrival(open_row(leaf, ROWS + chosen * 4))) then
            chosen = turn
          end
          if not is_fifo then
            break
          end
        end
      end
    end
    if chosen then
      if leaf[TURN] ~= chosen then
        leaf[TURN] = chosen
        touch_counter(leaf)
      end
      return ROWS + chosen * 4
    end
    if capped then
      set_aside(leaf)
    else
      set_dormant(leaf)
    end
    return nil
  end

  -- Whether a node of the path is short of a request of this cost.
  local function is_short(leaf, cost)
    local node, home = leaf, leaf[ABOVE]
    while home do
      if node[DEPOSIT] < cost then
        return true
      end
      node, home = home, home[ABOVE]
    end
    return false
  end

  -- Leaves that stand in a host's list of those not seen, by its uid.
  local unseen_known

  local function know_unseen(host)
    local known, ids = {}, host.unseen
    for i = 1, #ids do
      known[ids[i]] = true
    end
    unseen_known[host.uid] = known
    return known
  end

  local function note_grant(caller, leaf, at, row, cost)
    local host = by_uid[leaf[at]]
    row[GRANTED] = row[GRANTED] + 1
    row[PENDING] = row[PENDING] + cost
    row[CHARGED] = row[CHARGED] + cost
    leaf[at + 1], leaf[at + 2] = leaf[at + 1] - 1, leaf[at + 2] + 1
    host.held = host.held + 1
    host.want = host.want - 1
    meta.grants_made = meta.grants_made + 1
    touch_row(leaf, at, false)
    local id = leaf[ID]
    local known = unseen_known[host.uid] or know_unseen(host)
    if not known[id] then
      known[id] = true
      host.unseen[#host.unseen + 1] = id
    end
    if host == caller then
      return
    end
    if #host.unfetched == 0 then
      host.unfetched_since = meta.clock_us
    end
    host.unfetched[#host.unfetched + 1] = id
    nudge(host)
  end

  -- One grant to whom the order says; false where nobody may have one.
  local function grant_one(caller, caps)
    while true do
      local leaf = first_leaf()
      if not leaf then
        return false
      end
      local at = row_in_turn(leaf, caps)
      if at then
        local row = open_row(leaf, at)
        local cost = next_cost(row)
        -- Each turn raises a deposit to this head's cost, so a request is passed over at most once a level.
        if is_fair and is_short(leaf, cost) then
          pay_deposits(leaf, cost)
        else
          charge(leaf, cost, true)
          note_grant(caller, leaf, at, row, cost)
          if leaf[at + 1] == 0 and not leaf_waits(leaf) then
            set_dormant(leaf)
          elseif is_fifo then
            reorder(leaf)
          end
          return true
        end
      end
    end
  end

  -- A host's part of the depth, rounded up, and an eighth of the depth or a slot more.
  local function caps_of()
    local depth = meta.settings.depth
    local caps, total = {}, 0
    for _, host in ipairs(meta.hosts) do
      total = total + (host.weight + 1)
    end
    local more = math.max(1, floor(depth / 8))
    for _, host in ipairs(meta.hosts) do
      caps[host.uid] = math.ceil((depth * (host.weight + 1)) / total) + more
    end
    return caps
  end

  -- Grants while slots are free and somebody waits: first nobody more than its part and a little,
  -- then whoever can use what is left.
  function grant_all(caller)
    local free = meta.settings.depth - slots_used()
    if free <= 0 or waiting_in_all() == 0 then
      return
    end
    node_of(ROOT)
    unseen_known = {}
    for _, caps in ipairs({ caps_of(), {} }) do
      while free > 0 and grant_one(caller, caps) do
        free = free - 1
      end
      end_search()
      if free <= 0 then
        return
      end
    end
  end
end
