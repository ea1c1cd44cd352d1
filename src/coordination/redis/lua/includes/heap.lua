-- The order of a node's children that are in memory: a heap by counter, then by who was activated first, of four below
-- each: half as many levels as with two. A child knows its place in it, so that it is found again when its counter changes.

local heap_add, heap_remove, heap_moved, heap_raised
do
  local function lift(heap, node, at)
    local vio, seq = node[VIO], node[SEQ]
    while at > 1 do
      local above = (at + 2 - (at + 2) % 4) / 4
      local other = heap[above]
      local other_vio = other[VIO]
      if other_vio < vio or (other_vio == vio and other[SEQ] < seq) then
        break
      end
      heap[at] = other
      other[PLACE] = at
      at = above
    end
    heap[at] = node
    node[PLACE] = at
    return at
  end

  local function sink(heap, node, at)
    local vio, seq = node[VIO], node[SEQ]
    local child = 4 * at - 2
    local lower = heap[child]
    while lower do
      local lower_vio = lower[VIO]
      for other_child = child + 1, child + 3 do
        local other = heap[other_child]
        if not other then
          break
        end
        local other_vio = other[VIO]
        if other_vio < lower_vio or (other_vio == lower_vio and other[SEQ] < lower[SEQ]) then
          lower, lower_vio, child = other, other_vio, other_child
        end
      end
      if vio < lower_vio or (vio == lower_vio and seq < lower[SEQ]) then
        break
      end
      heap[at] = lower
      lower[PLACE] = at
      at = child
      child = 4 * at - 2
      lower = heap[child]
    end
    heap[at] = node
    node[PLACE] = at
  end

  function heap_add(heap, node)
    lift(heap, node, #heap + 1)
  end

  -- The node's counter is another one; where it is in no heap that is nothing.
  function heap_moved(heap, node)
    local at = node[PLACE]
    if at and lift(heap, node, at) == at then
      sink(heap, node, at)
    end
  end

  -- The node's counter is a higher one.
  function heap_raised(heap, node)
    local at = node[PLACE]
    if at then
      sink(heap, node, at)
    end
  end

  function heap_remove(heap, node)
    local at, last = node[PLACE], #heap
    if not at then
      return
    end
    node[PLACE] = false
    local other = heap[last]
    heap[last] = nil
    if at < last and lift(heap, other, at) == at then
      sink(heap, other, at)
    end
  end
end
