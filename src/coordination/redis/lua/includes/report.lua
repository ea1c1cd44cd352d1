-- Taking in what the caller says of its rows (twin/report.ts).
-- #include hosts

local R_ROW, take_nodes, knows_rows, take_rows, forget_rows
do
  local WEIGHT_ONE = 1000000

  -- What the caller says of a row: R_TAG is '' where the row is known.
  R_ROW = 1
  local R_TAG, R_BACKLOG, R_COSTS, R_AGES, R_SEEN, R_USED, R_HANDED_BACK, R_ADVANCED, R_COST, R_FINISHED =
    2, 3, 4, 5, 6, 7, 8, 9, 10, 11

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
    for _, said in ipairs(said_rows) do
      local leaf = leaf_of_row(host.uid, said[R_ROW])
      if not leaf then
        if said[R_TAG] == '' or said[R_SEEN] > 0 then
          return false
        end
      elseif find_row(node_of(leaf), host.uid)[GRANTED] < said[R_SEEN] then
        return false
      end
    end
    return true
  end

  -- What part of the device the row's tag is owed now, split among the hosts that have work of it.
  local function weigh(leaf, row, host)
    local weight = 0
    if row_want(row) > 0 or row_held(row) > 0 then
      local sharers = 0
      for _, other in ipairs(leaf[ROWS]) do
        if by_uid[other[UID]] and (row_want(other) > 0 or row_held(other) > 0) then
          sharers = sharers + 1
        end
      end
      local part = 1 / sharers
      local node = leaf
      while node[ID] ~= ROOT do
        local home = node_of(node[HOME])
        part = (part * node[SHARES]) / (home[ACTIVE_SHARES] + (node[ACTIVE] and 0 or node[SHARES]))
        node = home
      end
      weight = math.floor(part * WEIGHT_ONE) + 1
    end
    host.weight = host.weight + (weight - row[WEIGHT])
    row[WEIGHT] = weight
  end

  local function take_row(host, leaf, row, said)
    local want, held = row_want(row), row_held(row)
    local sent, cost, advanced = row[USED] + row[ADVANCED], row[DISPATCHED_COST], row[ADVANCED]
    local open = row[GRANTED] - row[USED] - row[HANDED_BACK]
    row[BACKLOG] = said[R_BACKLOG]
    row[COSTS] = said[R_COSTS]
    row[ARRIVALS] = {}
    if orders_by_age() then
      for i, age_us in ipairs(said[R_AGES]) do
        row[ARRIVALS][i] = meta.clock_us - age_us
      end
    end
    row[SEEN], row[USED], row[HANDED_BACK] = said[R_SEEN], said[R_USED], said[R_HANDED_BACK]
    row[ADVANCED], row[DISPATCHED_COST], row[FINISHED] = said[R_ADVANCED], said[R_COST], said[R_FINISHED]
    local left = row[GRANTED] - row[USED] - row[HANDED_BACK]
    row[PENDING] = left > 0 and open > 0 and (row[PENDING] * left) / open or 0
    host.want = host.want + (row_want(row) - want)
    host.held = host.held + (row_held(row) - held)
    touch(leaf)

    local now = row[USED] + row[ADVANCED]
    local was_busy = leaf[BUSY]
    if not was_busy and (now > sent or leaf_busy(leaf)) then
      became_busy(leaf)
    end
    local waits = leaf_waits(leaf)
    if not leaf[ACTIVE] and (waits or row[ADVANCED] > advanced) then
      local coming = row_want(row) > 0 and next_cost(row) or (row[DISPATCHED_COST] - cost) / (now - sent)
      activate(leaf, coming, was_busy)
    end
    settle(leaf, row)
    if leaf[ACTIVE] and not waits then
      set_dormant(leaf)
    else
      reorder(leaf)
    end
    if leaf[BUSY] and not leaf_busy(leaf) then
      became_idle(leaf)
    end
    weigh(leaf, row, host)
  end

  -- Opens the rows that are new and takes in what is said of all. Returns those refused, and how many were made.
  function take_rows(host, said_rows, said_nodes)
    local shares = {}
    for _, said in ipairs(said_nodes) do
      shares[said[1]] = said
    end
    local refused, made = {}, 0
    for _, said in ipairs(said_rows) do
      local number = said[R_ROW]
      local id = leaf_of_row(host.uid, number)
      if id then
        local leaf = node_of(id)
        take_row(host, leaf, find_row(leaf, host.uid), said)
      else
        local leaf, bound
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
          if #leaf[ROWS] == 0 then
            unlist(leaf)
          end
          local row = { host.uid, number, 0, {}, {}, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }
          leaf[ROWS][#leaf[ROWS] + 1] = row
          take_row(host, leaf, row, said)
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
        local row = find_row(leaf, host.uid)
        host.want = host.want - row_want(row)
        host.held = host.held - row_held(row)
        host.weight = host.weight - row[WEIGHT]
        drop_row(leaf, host.uid)
      end
    end
  end
end
