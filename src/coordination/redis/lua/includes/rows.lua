-- What can be told of one row or one leaf by itself (twin/rows.ts).
-- #include flush

-- Requests of the row that wait and that nothing granted so far is for.
local function row_want(row)
  local want = row[BACKLOG] - (row[GRANTED] - row[SEEN])
  return want > 0 and want or 0
end

-- Slots that the row holds.
local function row_held(row)
  return row[GRANTED] - row[HANDED_BACK] + row[ADVANCED] - row[FINISHED]
end

-- Where the epoch's row stands in the list; nil where there is none.
local function place_of_row(leaf, uid)
  -- Most leaves have one.
  if leaf[ROWS] == uid then
    return ROWS
  end
  for at = ROWS + 4, #leaf, 4 do
    if leaf[at] == uid then
      return at
    end
  end
  return nil
end

local function find_row(leaf, uid)
  local at = place_of_row(leaf, uid)
  return at and open_row(leaf, at)
end

-- After a change of the row at that place. Returns by how much what it wants and what it holds have risen.
local function note_row(leaf, at, row)
  local want, held = row_want(row), row_held(row)
  local more_want, more_held = want - leaf[at + 1], held - leaf[at + 2]
  leaf[at + 1], leaf[at + 2] = want, held
  return more_want, more_held
end

-- Whether something waits at the leaf in a host that may be granted to.
local function leaf_waits(leaf)
  for at = ROWS, #leaf, 4 do
    if leaf[at + 1] > 0 then
      local host = by_uid[leaf[at]]
      if host and not host.suspended then
        return true
      end
    end
  end
  return false
end

-- Whether anything of the leaf waits or is held, in any living host.
local function leaf_busy(leaf)
  for at = ROWS, #leaf, 4 do
    if (leaf[at + 1] > 0 or leaf[at + 2] > 0) and by_uid[leaf[at]] then
      return true
    end
  end
  return false
end

-- What a grant of the next request is charged: its true cost where it is known, else the row's average.
local function next_cost(row)
  if not is_fair then
    return 1
  end
  local costs = row[COSTS]
  local at = (row[GRANTED] - row[SEEN]) * 4
  if at < #costs then
    return (unpack_values('>I4', costs, at + 1))
  end
  local sent = row[USED] + row[ADVANCED]
  if sent > 0 and row[DISPATCHED_COST] >= sent then
    return row[DISPATCHED_COST] / sent
  end
  return #costs > 0 and unpack_values('>I4', costs, #costs - 3) or 1
end

-- When the next request arrived; where that is not known, when the last known one did.
local function next_arrival(row)
  local ahead = row[GRANTED] - row[SEEN]
  local last = #row[ARRIVALS] / 8 - 1
  if last < 0 then
    return 0
  end
  return (unpack_values('<d', row[ARRIVALS], (ahead < last and ahead or last) * 8 + 1))
end

-- What the row's host says was dispatched, in what the algorithm charges.
local function reported_charge(row)
  return is_fair and row[DISPATCHED_COST] or row[USED] + row[ADVANCED]
end
