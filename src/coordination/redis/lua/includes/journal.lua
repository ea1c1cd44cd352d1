-- Counters that changed, call by call: most of what a call changes, in a fifth of the time that whole records take.
--
-- K:j0, K:j1  strings of pieces one behind the other, each of entries of one kind. They are newer than the records, the
--             later ones newer than those before, the younger string's than the older one's. An entry that only names
--             a node says that its record is newer than all before.
--
-- A string that is full becomes the older one. Nodes that go on changing come into the younger one by themselves; those
-- that do not are written whole, some a call, and with the last of them the older string goes: nobody waits for all.
--
-- Who finds nothing in memory reads all that have entries. So there are none where memory is lost all the time (more
-- nodes than are kept, hosts of two versions) nor of a device with more nodes than one call should read.
-- #include device-state

-- #define ENTRY_LEAF 1
-- #define ENTRY_INNER 2
-- #define ENTRY_GRANTS 3
-- #define ENTRY_NONE 4
-- At most so many entries in a piece: less than the 8 kB that `struct` packs without a buffer more.
-- #define PIECE 32
-- Nodes written whole a call, and as many as have entries in it: the younger string ends at about its bound.
-- #define FOLD 16

local begin_journal, read_journal, note_entry, note_whole, note_gone, take_stale, flush_entries
do
  -- Of a leaf its counter and all of one row; of an inner node, its counter and its domain's time; of a leaf its counter
  -- and what changes of a row with a grant.
  local FORMS = { 'dddddddddc56ddHc0Hc0', 'dddd', 'dddddddd', 'd' }
  local WIDTHS = { 16, 4, 8, 1 }
  local piece_forms = { {}, {}, {}, {} }

  -- Values of this call's entries one behind the other, by kind, and how many they are: the lists are used again.
  local lists, sizes = { {}, {}, {}, {} }, { 0, 0, 0, 0 }

  function begin_journal()
    journal = { is_on = false, calls = 0, generation = 1, young = {}, young_count = 0, bytes = 0, old = {}, old_count = 0, old_there = false, is_read = false }
  end

  local function key_of(which)
    return K .. ':j' .. which
  end

  local function piece_form(kind, count)
    local form = piece_forms[kind][count]
    if not form then
      form = '<BB' .. string.rep(FORMS[kind], count)
      piece_forms[kind][count] = form
    end
    return form
  end

  local function enter(node)
    local id, young = node[ID], journal.young
    if young[id] then
      return
    end
    young[id] = node
    journal.young_count = journal.young_count + 1
    if journal.old[id] then
      journal.old[id] = nil
      journal.old_count = journal.old_count - 1
    end
  end

  local function note_inner(node)
    local list, at = lists[ENTRY_INNER], sizes[ENTRY_INNER]
    list[at + 1], list[at + 2], list[at + 3], list[at + 4] = node[ID], node[VIO], node[V], node[MAX_VIO]
    sizes[ENTRY_INNER] = at + 4
  end

  local function note_row(leaf, place, is_said)
    local row, index = leaf[place + 3], (place - ROWS) / 4
    local kind = ENTRY_GRANTS
    -- A grant is said to have been its row's turn; that may have passed on since, to one whose request must wait.
    if is_said or leaf[TURN] ~= index or (row[TOLD] ~= 0 and row[TOLD] ~= journal.generation) then
      kind = ENTRY_LEAF
    end
    local list, at = lists[kind], sizes[kind]
    list[at + 1], list[at + 2], list[at + 3] = leaf[ID], leaf[VIO], index
    list[at + 4], list[at + 5] = leaf[place + 1], leaf[place + 2]
    list[at + 6], list[at + 7], list[at + 8] = row[GRANTED], row[PENDING], row[CHARGED]
    if kind == ENTRY_LEAF then
      local costs, arrivals = row[COSTS], row[ARRIVALS]
      list[at + 9], list[at + 10], list[at + 11], list[at + 12] = leaf[TURN], counts_of(row), row[WEIGHT], row[WEIGHED]
      list[at + 13], list[at + 14], list[at + 15], list[at + 16] = #costs, costs, #arrivals, arrivals
      row[TOLD] = journal.generation
    end
    sizes[kind] = at + WIDTHS[kind]
  end

  -- Returns whether all that changed of the node can be said in an entry, which it then is. A leaf of which the older
  -- string may have several rows leaves that as a whole.
  function note_entry(node)
    if not node[HEAD] or not journal.is_on then
      return false
    end
    local what = node[CHANGED]
    if node[INNER] then
      note_inner(node)
    elseif what == COUNTER or (journal.old[node[ID]] and #node > ROWS + 3) then
      return false
    elseif what > 0 then
      note_row(node, what, false)
    else
      note_row(node, -what, true)
    end
    enter(node)
    return true
  end

  local function leave(id)
    local entered = journal.young[id] or journal.old[id]
    if journal.young[id] then
      journal.young[id] = nil
      journal.young_count = journal.young_count - 1
    end
    if journal.old[id] then
      journal.old[id] = nil
      journal.old_count = journal.old_count - 1
    end
    return entered
  end

  -- Its record is written.
  function note_whole(node)
    local id = node[ID]
    if leave(id) then
      local at = sizes[ENTRY_NONE] + 1
      lists[ENTRY_NONE][at] = id
      sizes[ENTRY_NONE] = at
    end
  end

  -- Its record goes; its number never comes back.
  function note_gone(node)
    leave(node[ID])
  end

  -- Bytes that a string may have before it becomes the older one.
  local function room()
    return math.min(JOURNAL_A_NODE * meta.nodes, JOURNAL_MOST)
  end

  -- Nodes whose last entries are in the older string and that are to be written now.
  function take_stale()
    local stale = {}
    if journal.old_count > 0 and journal.bytes * 2 > room() then
      local most = FOLD
      for kind = ENTRY_LEAF, ENTRY_GRANTS do
        most = most + sizes[kind] / WIDTHS[kind]
      end
      for _, node in pairs(journal.old) do
        if #stale >= most then
          break
        end
        stale[#stale + 1] = node
      end
    end
    return stale
  end

  -- After all that leaves the journal has left it.
  function flush_entries()
    if journal.is_read then
      redis.call('UNLINK', key_of(0), key_of(1))
      journal.is_read = false
    end
    for kind = ENTRY_LEAF, ENTRY_NONE do
      local list, size, width = lists[kind], sizes[kind], WIDTHS[kind]
      local step = width * PIECE
      for from = 1, size, step do
        local upto = math.min(size, from + step - 1)
        local count = (upto + 1 - from) / width
        local piece = pack_values(piece_form(kind, count), kind, count, unpack(list, from, upto))
        redis.call('APPEND', key_of(meta.journal), piece)
        journal.bytes = journal.bytes + #piece
      end
      sizes[kind] = 0
    end
    if journal.old_there and journal.old_count == 0 then
      redis.call('UNLINK', key_of(1 - meta.journal))
      journal.old_there = false
    end
    if not journal.old_there and journal.bytes > room() then
      meta.journal = 1 - meta.journal
      journal.old, journal.old_count, journal.old_there = journal.young, journal.young_count, true
      journal.young, journal.young_count, journal.bytes = {}, 0, 0
      journal.generation = journal.generation + 1
    end
  end

  local function read_string(which, entries)
    local bytes = redis.call('GET', key_of(which)) or ''
    journal.is_read = journal.is_read or bytes ~= ''
    local at = 1
    while at <= #bytes do
      local kind, count = unpack_values('<BB', bytes, at)
      at = at + 2
      local form = '<' .. FORMS[kind]
      for _ = 1, count do
        local entry = { unpack_values(form, bytes, at) }
        at = entry[#entry]
        local id = entry[1]
        if kind == ENTRY_NONE then
          entries[id] = nil
        else
          local list = entries[id] or {}
          entries[id] = list
          entry.kind = kind
          list[#list + 1] = entry
        end
      end
    end
  end

  local function take_row(leaf, entry)
    local place = ROWS + entry[3] * 4
    local row = open_row(leaf, place)
    leaf[place + 1], leaf[place + 2] = entry[4], entry[5]
    row[GRANTED], row[PENDING], row[CHARGED] = entry[6], entry[7], entry[8]
    if entry.kind == ENTRY_GRANTS then
      leaf[TURN] = entry[3]
      return
    end
    leaf[TURN], row[COUNTS], row[WEIGHT], row[WEIGHED] = entry[9], entry[10], entry[11], entry[12]
    row[COSTS], row[ARRIVALS] = entry[13], entry[14]
    row[BACKLOG], row[SEEN], row[USED], row[HANDED_BACK], row[ADVANCED], row[DISPATCHED_COST], row[FINISHED] =
      unpack_values(COUNTS_FORM, entry[10])
  end

  local function take_entries(node, entries)
    for _, entry in ipairs(entries) do
      node[VIO] = entry[2]
      if node[INNER] then
        node[V], node[MAX_VIO] = entry[3], entry[4]
      else
        take_row(node, entry)
      end
    end
    if node[IN_ORDER] then
      node[ORDER_VIO] = node[VIO]
    end
    if node[ABOVE] then
      heap_moved(node[ABOVE][HEAP], node)
    end
    touch(node)
  end

  -- At the beginning of a call. Where nothing is in memory all nodes with entries are read, to be written whole, and the
  -- strings go. Such a node is not behind the time of its home: when that is taken back all in memory are written whole.
  function read_journal()
    sizes[1], sizes[2], sizes[3], sizes[4] = 0, 0, 0, 0
    if journal then
      journal.calls = journal.calls + 1
      journal.is_on = journal.calls >= JOURNAL_WARM and meta.nodes <= JOURNAL_NODES and meta.schema > SCHEMA_EXACT
      return
    end
    begin_journal()
    local entries, ids = {}, {}
    read_string(1 - meta.journal, entries)
    read_string(meta.journal, entries)
    for id in pairs(entries) do
      ids[#ids + 1] = id
    end
    for from = 1, #ids, 4000 do
      load_all({ unpack(ids, from, math.min(#ids, from + 3999)) })
    end
    for id, list in pairs(entries) do
      if nodes[id] then
        take_entries(nodes[id], list)
      end
    end
  end
end
