-- The shared state of one device: src/coordination/twin/records.ts says what the fields mean. The
-- functions beside this file are the twin's, step for step; a property test holds both equal.
--
-- K        string: meta and hosts
-- K:n      hash: node -> its fields, its rows among them
-- K:t      hash: tag -> node
-- K:r<uid> hash: row of the epoch -> leaf
-- K:o<id>  zset: active children of node id: sequence of activation and node, by a counter that is at most theirs
-- K:j0/1   string: counters that are newer than those in K:n (journal.lua)
-- K:i      zset: nodes that nobody speaks of, by the time since when
-- K:d      hash: uid -> leaves that left the order because the epoch's host was suspended
--
-- What was read stays in memory from call to call, and with it the order of the children that are there: a
-- node is read once, and written once a call, at its end: whole, or where only counters changed, those (journal.lua). What is in memory counts for nothing unless the
-- state in Redis is the one that this library wrote last: K says so, whose bytes no other state has, as the time
-- of the call, the server's run id and all counters of the device are in it.

-- #include surroundings
-- #include heap

-- A name in a library's own scope is found sooner than one in a table of all; those are there from the first call on.
local pack_values, unpack_values, floor, HUGE

local function find_names()
  if not floor then
    pack_values, unpack_values, floor, HUGE = struct.pack, struct.unpack, math.floor, math.huge
  end
end

-- #define ROOT 0
-- #define NONE -1
-- #define NEVER -1e15
-- #define SCHEMA 3
-- #define SCHEMA_EXACT 2
-- #define SCALE 10000
-- #define RENORMALISE_AT 1099511627776
-- #define HOSTS_MAX 250
-- #define ROWS_MAX 262144
-- #define NODES_MAX 1000000
-- #define CHILDREN_MAX 262144
-- #define KEPT_MAX 16384

-- Fields of a node: first what is in memory alone, by place and not by name as a call looks at these most. KEY: its
-- number as a key. ABOVE: its home. CHANGED: whether it is to be written, and what of it, COUNTER or the place of a row,
-- below 0 where something was said of that. HEAD, TAIL: parts of its record, packed. PLACE: in the heap of its home. Of
-- one that is active: in whose stored order it stands (IN_ORDER), there with a counter that is at most ORDER_VIO. Of an
-- inner node: BELOW are its children in memory, by number, HERE how many of them are active, HEAP those in their order,
-- but for what a search has set aside.
-- #define COUNTER 0
-- #define KEY 1
-- #define ABOVE 2
-- #define CHANGED 3
-- #define HEAD 4
-- #define TAIL 5
-- #define PLACE 6
-- #define IN_ORDER 7
-- #define ORDER_VIO 8
-- #define BELOW 9
-- #define HERE 10
-- #define HEAP 11
-- Then what its record has; from V on of inner nodes, TURN and ROWS of leaves. SHIFT: how far its home's time had been
-- taken back when it was written; SHIFTED: how far its own children's has been.
-- #define ID 12
-- #define HOME 13
-- #define INNER 14
-- #define SHARES 15
-- #define SELF_SHARES 16
-- #define REVISION 17
-- #define VIO 18
-- #define FLOOR 19
-- #define DEPOSIT 20
-- #define ACTIVE 21
-- #define SEQ 22
-- #define BUSY 23
-- #define IDLE_SINCE 24
-- #define LISTED_SINCE 25
-- #define SHIFT 26
-- #define TURN 27
-- #define TAG 28
-- #define ROWS 29
-- #define V 29
-- #define MAX_VIO 30
-- #define QUIET_SINCE 31
-- #define BUSY_CHILDREN 32
-- #define ACTIVE_CHILDREN 33
-- #define ACTIVE_SHARES 34
-- #define CHILDREN 35
-- #define SELF 36
-- #define SHIFTED 37

-- From ROWS on a leaf has its rows, four places each: whose it is, what it wants, what it holds, and
-- the rest, packed for as long as nobody asks for it. Fields of that, the first in memory alone: TOLD is the generation
-- of the string that the last entry of all of it is in (journal.lua), 0 where there was none.
-- #define TOLD 1
-- #define ROW 2
-- #define BACKLOG 3
-- #define SEEN 4
-- #define USED 5
-- #define HANDED_BACK 6
-- #define ADVANCED 7
-- #define DISPATCHED_COST 8
-- #define FINISHED 9
-- #define GRANTED 10
-- #define PENDING 11
-- #define CHARGED 12
-- #define WEIGHT 13
-- #define WEIGHED 14
-- #define COSTS 15
-- #define ARRIVALS 16
-- BACKLOG to FINISHED as they are packed, false where that has not been done.
-- #define COUNTS 17
-- #define ROW_BYTES 108

-- Records are packed by `struct`: it makes a table of the right size at once. A leaf begins with how
-- many rows it has (a device has fewer than 255 hosts), an inner node with 255.
local COMMON = 'ddddddddddddddddHc0'
local INNER_FORM = '<B' .. COMMON .. 'ddddddddd'
local ROW_FORM = '<dddddddddddddHc0Hc0'
local COUNTS_FORM = '<ddddddd'
local leaf_forms = {}
local function leaf_form(rows)
  local form = leaf_forms[rows]
  if not form then
    form = '<B' .. COMMON .. string.rep('dddHc0', rows)
    leaf_forms[rows] = form
  end
  return form
end

-- The state as far as it is in memory.
local meta
local nodes, tag_ids, row_leaves
-- Which nodes have entries that are newer than their records (journal.lua).
local journal
-- What a call works on.
local by_uid
local changed, gone
-- What is to leave the stored orders, by home.
local removed
local tag_changed, row_changed
local idle_changed
local dormant_more
local nudges
-- Set aside in a search: nodes with nobody below who may be granted to.
local blocked
-- Where the walk along a node's stored order stands.
local walks
-- The scheduler in force.
local is_fair, is_stride, is_fifo

local function forget_nodes()
  nodes, tag_ids, row_leaves, journal = {}, {}, {}, nil
end

local function begin_changes()
  changed, gone, tag_changed, row_changed, idle_changed, dormant_more = {}, {}, {}, {}, {}, {}
  nudges, blocked, walks, removed = {}, {}, {}, {}
end

local function read_meta(blob)
  local a = cmsgpack.unpack(blob)
  local read = { schema = a[1] }
  if a[1] > SCHEMA then
    return read
  end
  read.incarnation, read.server, read.store_us, read.clock_us, read.born_us = a[2], a[3], a[4], a[5], a[6]
  local s = a[7]
  read.settings = {
    scheduler = s[1], depth = s[2], credit = s[3], idle_reset_ms = s[4],
    global_shares = s[5], sleep_ms = s[6], threshold = s[7], sleep_rule = s[8],
  }
  read.settings_revision, read.node_ids, read.uids, read.activations = a[8], a[9], a[10], a[11]
  read.grants_made, read.nodes, read.contended, read.calm_since = a[12], a[13], a[14], a[15]
  read.settling_until, read.expected, read.returned = a[16], a[17], a[18]
  read.hosts = {}
  for i, h in ipairs(a[19]) do
    read.hosts[i] = {
      id = h[1], uid = h[2], epoch = h[3], n = h[4], lease_end = h[5], exchange_us = h[6],
      held = h[7], advance = h[8], advance_idle = h[9], want = h[10], weight = h[11],
      quota_held = h[12], confirmed = h[13], suspended = h[14], nudged = h[15],
      unfetched = h[16], unfetched_since = h[17], unseen = h[18], rows_end = h[19],
    }
  end
  read.remains, read.unsure_until, read.journal = a[20], a[21] or 0, a[22] or 0
  return read
end

local function write_meta()
  local list = {}
  for i, h in ipairs(meta.hosts) do
    list[i] = {
      h.id, h.uid, h.epoch, h.n, h.lease_end, h.exchange_us,
      h.held, h.advance, h.advance_idle, h.want, h.weight,
      h.quota_held, h.confirmed, h.suspended, h.nudged,
      h.unfetched, h.unfetched_since, h.unseen, h.rows_end,
    }
  end
  local s = meta.settings
  local blob = cmsgpack.pack({
    meta.schema, meta.incarnation, meta.server, meta.store_us, meta.clock_us, meta.born_us,
    { s.scheduler, s.depth, s.credit, s.idle_reset_ms, s.global_shares, s.sleep_ms, s.threshold, s.sleep_rule },
    meta.settings_revision, meta.node_ids, meta.uids, meta.activations,
    meta.grants_made, meta.nodes, meta.contended, meta.calm_since,
    meta.settling_until, meta.expected, meta.returned, list, meta.remains, meta.unsure_until, meta.journal,
  })
  redis.call('SET', K, blob)
  return blob
end

-- Memory of all devices, by key, and how many nodes were taken into it: past a bound all is forgotten, and
-- read again where it is needed.
local kept, kept_nodes = {}, 0

-- Finds the state. Whatever fails from here on leaves nothing in memory.
local function recall()
  local blob = redis.call('GET', K)
  local known = kept[K]
  kept[K] = nil
  begin_changes()
  if known and known.blob == blob then
    meta, nodes, tag_ids, row_leaves, journal = known.meta, known.nodes, known.tag_ids, known.row_leaves, known.journal
  else
    forget_nodes()
    meta = blob and read_meta(blob) or nil
  end
end

local function remember(blob)
  if kept_nodes > KEPT_MAX then
    kept, kept_nodes = {}, 0
    return
  end
  for uid in pairs(row_leaves) do
    if not by_uid[uid] then
      row_leaves[uid] = nil
    end
  end
  kept[K] = {
    blob = blob, meta = meta, nodes = nodes, tag_ids = tag_ids, row_leaves = row_leaves, journal = journal,
  }
end

-- The node is to be written: its counter, whose turn it is or, of an inner node, its domain's time has changed, and nothing else.
local function touch_counter(node)
  if not node[CHANGED] then
    node[CHANGED] = COUNTER
    changed[#changed + 1] = node
  end
end

-- Anything of it has changed: what was packed of it (flush.lua) is out of date.
local function touch(node)
  node[HEAD] = false
  touch_counter(node)
end

-- Of the leaf its counter, whose turn it is and the row at that place have changed, and nothing else; of that row,
-- if nothing was said of it, what was granted.
local function touch_row(leaf, at, is_said)
  touch_counter(leaf)
  local before = leaf[CHANGED]
  if before ~= COUNTER and before ~= at and before ~= -at then
    leaf[HEAD] = false
  elseif before ~= -at then
    leaf[CHANGED] = is_said and -at or at
  end
end

-- Catches up with what was taken back from its home's time while the node was not looked at.
local function shift_node(node, home)
  local behind = home[SHIFTED] - node[SHIFT]
  if behind == 0 then
    return
  end
  node[SHIFT] = home[SHIFTED]
  if is_stride then
    node[VIO] = 0
    node[FLOOR] = 0
  else
    local least = -(meta.settings.credit * SCALE) / node[SHARES]
    node[VIO] = node[VIO] - behind
    node[FLOOR] = node[FLOOR] - behind
    if node[FLOOR] < least then
      node[FLOOR] = least
    end
    if not node[ACTIVE] and node[VIO] < least then
      node[VIO] = least
    end
  end
  touch(node)
end

-- The node is in memory.
local function keep(node)
  nodes[node[ID]] = node
  node[KEY] = tostring(node[ID])
  kept_nodes = kept_nodes + 1
  if node[INNER] then
    node[BELOW], node[HERE], node[HEAP] = {}, 0, {}
  end
end

local function member_of(seq, id)
  return pack_values('>I6I6', seq, id)
end

local function note_in(lists, home, value, member)
  local list = lists[home]
  if not list then
    list = {}
    lists[home] = list
  end
  list[#list + 1] = value
  list[#list + 1] = member
end

-- Before its sequence changes, or when it is gone.
local function leave_stored_order(node)
  note_in(removed, node[IN_ORDER], member_of(node[SEQ], node[ID]))
  node[IN_ORDER] = false
end

-- Room for what is in memory alone, then the values of a record but for its first.
local function node_of_values(_, ...)
  return { false, false, false, false, false, false, false, false, false, 0, false, ... }
end

local function unpack_node(blob)
  local kind = string.byte(blob)
  local node
  if kind == 255 then
    node = node_of_values(unpack_values(INNER_FORM, blob))
  else
    node = node_of_values(unpack_values(leaf_form(kind), blob))
  end
  -- Behind the values comes the place where they end.
  node[#node] = nil
  node[INNER] = kind == 255
  node[ACTIVE] = node[ACTIVE] == 1
  node[BUSY] = node[BUSY] == 1
  return node
end

local function take_blob(blob)
  local node = unpack_node(blob)
  if node[ACTIVE] then
    node[IN_ORDER], node[ORDER_VIO] = node[HOME], node[VIO]
  end
  keep(node)
  return node
end

-- The node and its home are in memory.
local function attach(node)
  local home = nodes[node[HOME]]
  node[ABOVE] = home
  home[BELOW][node[ID]] = node
  if node[ACTIVE] then
    home[HERE] = home[HERE] + 1
    heap_add(home[HEAP], node)
  end
end

-- The nodes of these numbers and all above them, a read for each level of the tree. What is not
-- there is remembered as false.
local function load_all(ids)
  local loaded = {}
  local wanted = ids
  while #wanted > 0 do
    local blobs = redis.call('HMGET', K .. ':n', unpack(wanted))
    local above, asked = {}, {}
    local first = #loaded + 1
    for i = 1, #wanted do
      if blobs[i] then
        loaded[#loaded + 1] = take_blob(blobs[i])
      else
        nodes[wanted[i]] = false
        kept_nodes = kept_nodes + 1
      end
    end
    for i = first, #loaded do
      local home = loaded[i][HOME]
      if home ~= NONE and not nodes[home] and not asked[home] then
        asked[home] = true
        above[#above + 1] = home
      end
    end
    wanted = above
  end
  for i = #loaded, 1, -1 do
    local node = loaded[i]
    if node[HOME] ~= NONE then
      shift_node(node, nodes[node[HOME]])
      attach(node)
    end
  end
end

-- The node of a number that is in use.
local function node_of(id)
  local node = nodes[id]
  if not node then
    load_all({ id })
    node = nodes[id]
  end
  return node
end

-- The same; nil where it is not in use any more.
local function node_if_any(id)
  if nodes[id] == nil then
    load_all({ id })
  end
  return nodes[id] or nil
end

local function make_node(id, tag, home, inner, vio, shift)
  local node = {
    false, false, false, false, false, false, false, false, false, 0, false,
    id, home, inner, 100, 100, -1, vio, vio, 0,
    false, 0, false, NEVER, meta.clock_us, shift, 0, tag,
  }
  if inner then
    node[V], node[MAX_VIO], node[QUIET_SINCE], node[BUSY_CHILDREN] = 0, 0, meta.clock_us, 0
    node[ACTIVE_CHILDREN], node[ACTIVE_SHARES], node[CHILDREN], node[SELF], node[SHIFTED] = 0, 0, 0, NONE, 0
  end
  keep(node)
  if home ~= NONE then
    attach(node)
  end
  touch(node)
  return node
end

local function id_of_tag(tag)
  local id = tag_ids[tag]
  if id == nil then
    local text = redis.call('HGET', K .. ':t', tag)
    id = text and tonumber(text)
    tag_ids[tag] = id
  end
  return id or nil
end

local function set_tag(tag, id)
  tag_ids[tag] = id
  tag_changed[tag] = true
end

-- Leaves of an epoch's rows: nil where a row is not known.
local function leaf_of_row(uid, row)
  local rows = row_leaves[uid]
  if not rows then
    rows = {}
    row_leaves[uid] = rows
  end
  local leaf = rows[row]
  if leaf == nil then
    local text = redis.call('HGET', K .. ':r' .. uid, row)
    leaf = text and tonumber(text)
    rows[row] = leaf
  end
  return leaf or nil
end

local function set_row(uid, row, leaf)
  row_leaves[uid][row] = leaf
  local changed = row_changed[uid]
  if not changed then
    changed = {}
    row_changed[uid] = changed
  end
  changed[row] = true
end

-- Reads the leaves of these rows in one go, and the leaves themselves with all above them; and
-- those of `more`.
local function load_rows(uid, rows, more)
  local known = row_leaves[uid]
  if not known then
    known = {}
    row_leaves[uid] = known
  end
  local ids, asked = {}, {}
  for i = 1, #more do
    local id = more[i]
    if nodes[id] == nil and not asked[id] then
      asked[id] = true
      ids[#ids + 1] = id
    end
  end
  local unknown = {}
  for i = 1, #rows do
    local row = rows[i]
    local leaf = known[row]
    if leaf == nil then
      unknown[#unknown + 1] = row
    elseif leaf and not nodes[leaf] and not asked[leaf] then
      asked[leaf] = true
      ids[#ids + 1] = leaf
    end
  end
  for from = 1, #unknown, 4000 do
    local upto = math.min(#unknown, from + 3999)
    local texts = redis.call('HMGET', K .. ':r' .. uid, unpack(unknown, from, upto))
    for i = from, upto do
      local text = texts[i - from + 1]
      local leaf = text and tonumber(text)
      known[unknown[i]] = leaf
      if leaf and not nodes[leaf] and not asked[leaf] then
        asked[leaf] = true
        ids[#ids + 1] = leaf
      end
    end
  end
  for from = 1, #ids, 4000 do
    load_all({ unpack(ids, from, math.min(#ids, from + 3999)) })
  end
end

-- A string has no first field, and a call of `type` costs as much as all the rest here.
local function open_row(leaf, at)
  local row = leaf[at + 3]
  if not row[ROW] then
    row = { 0, unpack_values(ROW_FORM, row) }
    row[COUNTS] = false
    leaf[at + 3] = row
  end
  return row
end

-- BACKLOG to FINISHED of a row, packed.
local function counts_of(row)
  local counts = row[COUNTS]
  if not counts then
    counts = pack_values(COUNTS_FORM, row[BACKLOG], row[SEEN], row[USED], row[HANDED_BACK],
      row[ADVANCED], row[DISPATCHED_COST], row[FINISHED])
    row[COUNTS] = counts
  end
  return counts
end

local function nudge(host)
  if host.nudged then
    return
  end
  host.nudged = true
  nudges[#nudges + 1] = host.id
end
