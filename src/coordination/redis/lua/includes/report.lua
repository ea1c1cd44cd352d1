-- Taking in what the caller says of its rows (twin/report.ts).
-- #include hosts

-- What the caller says of a row. R_COUNTS: BACKLOG to FINISHED as the record has them, so that they are put there as
-- they come. R_TAG is '' where the row is known. R_LEAF: where it ends in the message, then its leaf once that is found.
-- #define R_ROW 1
-- #define R_COUNTS 2
-- #define R_TAG 3
-- #define R_COSTS 4
-- #define R_AGES 5
-- #define R_LEAF 6
local SAID_FORM = '<dc56Hc0Hc0Hc0'
-- Where SEEN stands in the counts.
-- #define SEEN_AT 9

local take_nodes, knows_rows, take_rows, forget_rows
do
  -- #define WEIGHT_ONE 1000000
  -- #define WEIGH_US 50000


  -- Policies newer than those in force.
  function take_nodes(said)
    for _, node_said in ipairs(said) do
      local id = id_of_tag(node_said[1])
      local node = id and node_of(id)
      if node and node_said[4] > node[REVISION] then
        node[REVISION] = node_said[4]
        node[SELF_SHARES] = node_said[3]
        touch(node)
        set_shares(node, node_said[2])
        if node[INNER] and node[SELF] ~= NONE then
          set_shares(node_of(node[SELF]), node_said[3])
        end
      end
    end
  end

  -- Whether the state knows all that the rows refer to: else it lost something, and the host must join anew.
  function knows_rows(host, said_rows)
    local uid = host.uid
    local known = row_leaves[uid]
    for i = 1, #said_rows do
      local said = said_rows[i]
      local id = known[said[R_ROW]]
      local seen = unpack_values('<d', said[R_COUNTS], SEEN_AT)
      if not id then
        if said[R_TAG] == '' or seen > 0 then
          return false
        end
      else
        local leaf = nodes[id]
        if find_row(leaf, uid)[GRANTED] < seen then
          return false
        end
        said[R_LEAF] = leaf
      end
    end
    return true
  end

  -- What part of the device the row's tag is owed now, split among the hosts that have work of it.
  -- Looked at when the row begins or ends to have work, else now and then: what others do changes it, too.
  local function weigh(leaf, at, row, host)
    local weight = 0
    if leaf[at + 1] > 0 or leaf[at + 2] > 0 then
      if row[WEIGHT] > 0 and meta.clock_us - row[WEIGHED] < WEIGH_US then
        return
      end
      local sharers = 0
      for other = ROWS, #leaf, 4 do
        if (leaf[other + 1] > 0 or leaf[other + 2] > 0) and by_uid[leaf[other]] then
          sharers = sharers + 1
        end
      end
      local part = 1 / sharers
      local node = leaf
      while node[ID] ~= ROOT do
        local home = node[ABOVE]
        part = (part * node[SHARES]) / (home[ACTIVE_SHARES] + (node[ACTIVE] and 0 or node[SHARES]))
        node = home
      end
      weight = floor(part * WEIGHT_ONE) + 1
      row[WEIGHED] = meta.clock_us
    end
    host.weight = host.weight + (weight - row[WEIGHT])
    row[WEIGHT] = weight
  end

  local function take_row(host, leaf, at, said)
    local row = open_row(leaf, at)
    local granted, cost_before, advanced_before = row[GRANTED], row[DISPATCHED_COST], row[ADVANCED]
    local sent = row[USED] + advanced_before
    local open = granted - row[USED] - row[HANDED_BACK]
    local counts = said[R_COUNTS]
    local backlog, seen, used, handed_back, advanced, cost, finished = unpack_values(COUNTS_FORM, counts)
    row[COUNTS], row[COSTS] = counts, said[R_COSTS]
    row[BACKLOG], row[SEEN], row[USED], row[HANDED_BACK] = backlog, seen, used, handed_back
    row[ADVANCED], row[DISPATCHED_COST], row[FINISHED] = advanced, cost, finished
    if is_fifo then
      local arrivals, ages = {}, said[R_AGES]
      for i = 1, #ages, 4 do
        arrivals[#arrivals + 1] = pack_values('<d', meta.clock_us - unpack_values('>I4', ages, i))
      end
      row[ARRIVALS] = table.concat(arrivals)
    end
    local left = granted - used - handed_back
    row[PENDING] = left > 0 and open > 0 and (row[PENDING] * left) / open or 0
    local want, held = note_row(leaf, at, row)
    host.want = host.want + want
    host.held = host.held + held
    touch_row(leaf, at, true)

    local now = used + advanced
    local was_busy = leaf[BUSY]
    -- The caller itself may be granted to.
    local waits = leaf[at + 1] > 0 or leaf_waits(leaf)
    local busy = waits or leaf_busy(leaf)
    if not was_busy and (now > sent or busy) then
      became_busy(leaf)
    end
    if not leaf[ACTIVE] and (waits or advanced > advanced_before) then
      local coming = leaf[at + 1] > 0 and next_cost(row) or (cost - cost_before) / (now - sent)
      activate(leaf, coming, was_busy, 0)
    end
    settle(leaf, row)
    if leaf[ACTIVE] and not waits then
      set_dormant(leaf)
    elseif is_fifo then
      reorder(leaf)
    end
    if leaf[BUSY] and not busy then
      became_idle(leaf)
    end
    weigh(leaf, at, row, host)
  end

  -- Opens the rows that are new and takes in what is said of all. Returns those refused, and how many were made.
  function take_rows(host, said_rows, said_nodes)
    local shares = {}
    for _, said in ipairs(said_nodes) do
      shares[said[1]] = said
    end
    local refused, made = {}, 0
    for i = 1, #said_rows do
      local said = said_rows[i]
      local leaf = said[R_LEAF]
      if leaf then
        take_row(host, leaf, place_of_row(leaf, host.uid), said)
      else
        local number = said[R_ROW]
        local bound
        if number < ROWS_MAX then
          leaf, bound = open_leaf(said[R_TAG], shares)
        else
          bound = string.format('a host has at most %d rows of a device', ROWS_MAX)
        end
        if not leaf then
          refused[#refused + 1] =
            { number, 'QUEUE_FULL', bound .. '; tag "' .. said[R_TAG] .. '" would pass that' }
        else
          made = made + 1
          set_row(host.uid, number, leaf[ID])
          if number >= host.rows_end then
            host.rows_end = number + 1
          end
          if #leaf < ROWS then
            unlist(leaf)
          end
          local at = #leaf + 1
          leaf[at], leaf[at + 1], leaf[at + 2] = host.uid, 0, 0
          touch(leaf)
          leaf[at + 3] = { 0, number, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, '', '', false }
          take_row(host, leaf, at, said)
        end
      end
    end
    return refused, made
  end

  -- Rows that the host will not speak of again.
  function forget_rows(host, numbers)
    for _, number in ipairs(numbers) do
      local id = leaf_of_row(host.uid, number)
      if id then
        set_row(host.uid, number, false)
        local leaf = node_of(id)
        local at = place_of_row(leaf, host.uid)
        local row = open_row(leaf, at)
        host.want = host.want - leaf[at + 1]
        host.held = host.held - leaf[at + 2]
        host.weight = host.weight - row[WEIGHT]
        drop_row(leaf, host.uid)
      end
    end
  end
end
