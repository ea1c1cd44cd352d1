-- What can be told of one row or one leaf by itself (twin/rows.ts).
-- #include device-state

-- Requests of the row that wait and that nothing granted so far is for.
local function row_want(row)
  local want = row[BACKLOG] - (row[GRANTED] - row[SEEN])
  return want > 0 and want or 0
end

-- Slots that the row holds.
local function row_held(row)
  return row[GRANTED] - row[HANDED_BACK] + row[ADVANCED] - row[FINISHED]
end

-- Whether something waits at the leaf in a host that may be granted to.
local function leaf_waits(leaf)
  for _, row in ipairs(leaf[ROWS]) do
    local host = by_uid[row[UID]]
    if host and not host.suspended and row_want(row) > 0 then
      return true
    end
  end
  return false
end

-- Whether anything of the leaf waits or is held, in any living host.
local function leaf_busy(leaf)
  for _, row in ipairs(leaf[ROWS]) do
    if by_uid[row[UID]] and (row_want(row) > 0 or row_held(row) > 0) then
      return true
    end
  end
  return false
end

local function find_row(leaf, uid)
  for _, row in ipairs(leaf[ROWS]) do
    if row[UID] == uid then
      return row
    end
  end
  return nil
end

local function is_tree()
  return meta.settings.scheduler == 'fair'
end

local function charges_cost()
  return meta.settings.scheduler == 'fair'
end

local function orders_by_age()
  return meta.settings.scheduler == 'fifo'
end

-- What a grant of the next request is charged: its true cost where it is known, else the row's average.
local function next_cost(row)
  if not charges_cost() then
    return 1
  end
  local cost = row[COSTS][row[GRANTED] - row[SEEN] + 1]
  if cost then
    return cost
  end
  local sent = row[USED] + row[ADVANCED]
  if sent > 0 and row[DISPATCHED_COST] >= sent then
    return row[DISPATCHED_COST] / sent
  end
  return row[COSTS][#row[COSTS]] or 1
end

-- When the next request arrived; where that is not known, when the last known one did.
local function next_arrival(row)
  local ahead = row[GRANTED] - row[SEEN]
  local last = #row[ARRIVALS] - 1
  if last < 0 then
    return 0
  end
  return row[ARRIVALS][(ahead < last and ahead or last) + 1]
end

-- What the row's host says was dispatched, in what the algorithm charges.
local function reported_charge(row)
  return charges_cost() and row[DISPATCHED_COST] or row[USED] + row[ADVANCED]
end
