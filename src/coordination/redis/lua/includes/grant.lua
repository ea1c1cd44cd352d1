-- Giving the free slots to who is owed them (twin/grant.ts).
-- #include report

local waiting_in_all, grant_all
do
  -- Children read from an order at first, and at a time after that: of most orders one is needed.
  -- #define CHUNK_FIRST 3
  -- #define CHUNK 16

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

  -- The order of a node's children as the search sees it: a heap of those that were read and are
  -- active, and the rest as they lie in Redis, read in pieces. Who was read counts as it is in the
  -- heap, and is passed over in the rest.
  local function sift_up(heap, at)
    local node = heap[at]
    local vio, seq = node[VIO], node[SEQ]
    while at > 1 do
      local above = math.floor(at / 2)
      local other = heap[above]
      if other[VIO] < vio or (other[VIO] == vio and other[SEQ] < seq) then
        break
      end
      heap[at] = other
      at = above
    end
    heap[at] = node
  end

  local function sift_down(heap, at)
    local count = #heap
    local node = heap[at]
    local vio, seq = node[VIO], node[SEQ]
    while true do
      local child = 2 * at
      if child > count then
        break
      end
      local lower = heap[child]
      local right = heap[child + 1]
      if right and (right[VIO] < lower[VIO] or (right[VIO] == lower[VIO] and right[SEQ] < lower[SEQ])) then
        lower = right
        child = child + 1
      end
      if vio < lower[VIO] or (vio == lower[VIO] and seq < lower[SEQ]) then
        break
      end
      heap[at] = lower
      at = child
    end
    heap[at] = node
  end

  local function pop(heap)
    local last = #heap
    heap[1] = heap[last]
    heap[last] = nil
    if last > 1 then
      sift_down(heap, 1)
    end
  end

  local function view_of(home)
    local heap = {}
    for _, node in ipairs(cached[home[ID]] or {}) do
      if node[ACTIVE] and node[HOME] == home[ID] and nodes[node[ID]] and not blocked[node[ID]] then
        heap[#heap + 1] = node
        sift_up(heap, #heap)
      end
    end
    local view = { heap = heap, rest = {}, at = 1, read = 0, chunk = CHUNK_FIRST, whole = false }
    views[home[ID]] = view
    return view
  end

  -- Moves on to the next of the rest that was not read yet; false at its end.
  local function next_of_rest(view, home)
    while true do
      local rest = view.rest
      while view.at < #rest do
        local seq, id = struct.unpack('>I6I6', rest[view.at])
        if nodes[id] == nil then
          view.id, view.seq, view.vio = id, seq, tonumber(rest[view.at + 1])
          return true
        end
        view.at = view.at + 2
      end
      if view.whole then
        return false
      end
      local chunk = view.chunk
      view.rest = redis.call('ZRANGE', K .. ':o' .. home[ID], view.read, view.read + chunk - 1, 'WITHSCORES')
      view.at = 1
      view.read = view.read + chunk
      view.chunk = CHUNK
      view.whole = #view.rest < 2 * chunk
    end
  end

  local function first_child(home)
    local view = views[home[ID]] or view_of(home)
    local heap = view.heap
    while heap[1] and (not heap[1][ACTIVE] or blocked[heap[1][ID]]) do
      pop(heap)
    end
    if next_of_rest(view, home) then
      local first = heap[1]
      if not first or view.vio < first[VIO] or (view.vio == first[VIO] and view.seq < first[SEQ]) then
        view.at = view.at + 2
        heap[#heap + 1] = node_of(view.id)
        sift_up(heap, #heap)
      end
    end
    return heap[1]
  end

  -- After a charge: the nodes of the path were first in their orders, and may not be any more.
  local function resettle(leaf)
    local node = leaf
    while node[ID] ~= ROOT do
      local view = views[node[HOME]]
      if view and view.heap[1] == node then
        if node[ACTIVE] then
          sift_down(view.heap, 1)
        else
          pop(view.heap)
        end
      end
      node = nodes[node[HOME]]
    end
  end

  -- The leaf that stands first at every level.
  local function first_leaf()
    local node = nodes[ROOT]
    while node[INNER] do
      local child = first_child(node)
      if child then
        node = child
      elseif node[ID] == ROOT then
        return nil
      else
        blocked[node[ID]] = true
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
        if host.held + host.advance_idle >= (caps[host.uid] or math.huge) then
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
      leaf[TURN] = chosen
      dirty[leaf[ID]] = leaf
      return ROWS + chosen * 4
    end
    if capped then
      blocked[leaf[ID]] = true
    else
      set_dormant(leaf)
    end
    return nil
  end

  local function least_deposit(leaf)
    local least = math.huge
    local node = leaf
    while node[ID] ~= ROOT do
      if node[DEPOSIT] < least then
        least = node[DEPOSIT]
      end
      node = nodes[node[HOME]]
    end
    return least
  end

  -- Leaves that stand in a host's list of those not seen, by its uid.
  local unseen_known = {}

  local function note_unseen(host, leaf)
    local known = unseen_known[host.uid]
    if not known then
      known = {}
      for _, id in ipairs(host.unseen) do
        known[id] = true
      end
      unseen_known[host.uid] = known
    end
    if not known[leaf[ID]] then
      known[leaf[ID]] = true
      host.unseen[#host.unseen + 1] = leaf[ID]
    end
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
    note_unseen(host, leaf)
    if host == caller then
      return
    end
    if #host.unfetched == 0 then
      host.unfetched_since = meta.clock_us
    end
    host.unfetched[#host.unfetched + 1] = leaf[ID]
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
        if is_fair and least_deposit(leaf) < cost then
          pay_deposits(leaf, cost)
          resettle(leaf)
        else
          charge(leaf, cost, true)
          note_grant(caller, leaf, at, row, cost)
          if leaf_waits(leaf) then
            reorder(leaf)
          else
            set_dormant(leaf)
          end
          resettle(leaf)
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
    local more = depth >= 8 and math.floor(depth / 8) or 1
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
    for _, caps in ipairs({ caps_of(), {} }) do
      while free > 0 and grant_one(caller, caps) do
        free = free - 1
      end
      if free <= 0 then
        return
      end
      views, blocked = {}, {}
    end
  end
end
