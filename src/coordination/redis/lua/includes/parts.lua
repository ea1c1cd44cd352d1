-- What a host may use without asking: the advance under light load, the quota in an outage (twin/parts.ts).
-- #include grant

local is_settling, update_contention, give_advance, give_quota
do
  -- #define CALM_US 100000
  -- #define TURN_US 1000000
  -- #define GOLDEN 0.6180339887498949

  function is_settling()
    local clock = meta.clock_us
    return clock < meta.settling_until or (clock < meta.unsure_until and meta.returned < meta.expected)
  end

  -- Whether slots are short; who waits ends the calm at once.
  function update_contention(caller)
    if not is_settling() and waiting_in_all() > 0 then
      meta.contended = true
      meta.calm_since = meta.clock_us
    elseif meta.contended and meta.clock_us - meta.calm_since >= CALM_US then
      meta.contended = false
    end
    if not meta.contended then
      return
    end
    for _, host in ipairs(meta.hosts) do
      if host ~= caller and host.advance > 0 then
        nudge(host)
      end
    end
  end

  -- Half of the depth is held in advance, split among the hosts; where they are many, a slot each as far as it goes.
  function give_advance(host, acted_on)
    local depth = meta.settings.depth
    local calm = not meta.contended and not is_settling()
    local part = floor(depth / (2 * #meta.hosts))
    local target = calm and (part > 1 and part or 1) or 0
    local advance = target
    -- A depth that was lowered takes back what was given at the old one.
    local over = slots_used() - depth
    if over > 0 then
      local least = acted_on > over and acted_on - over or 0
      if advance > least then
        advance = least
      end
    elseif target > acted_on then
      local free = depth - slots_used()
      local more = target - acted_on < free and target - acted_on or free
      advance = acted_on + (more > 0 and more or 0)
      host.advance_idle = host.advance_idle + (advance - acted_on)
    end
    host.advance = advance
    return advance
  end

  -- The caller's outage quota: its part of the depth, in whole slots that take turns.
  function give_quota(caller)
    if is_settling() then
      return caller.quota_held
    end
    local depth = meta.settings.depth
    local turn = floor(meta.clock_us / TURN_US) * GOLDEN
    local shift = turn - floor(turn)
    local total, told = 0, 0
    for _, host in ipairs(meta.hosts) do
      total = total + (host.weight + 1)
      told = told + host.quota_held
    end
    local upto, quota = 0, 0
    for _, host in ipairs(meta.hosts) do
      local from = floor((depth * upto) / total + shift)
      upto = upto + (host.weight + 1)
      if host == caller then
        quota = floor((depth * upto) / total + shift) - from
      end
    end
    -- What the others may have is not given twice, not even to a host that comes back with what it had. For a lease
    -- after a change of server nobody gets more: it may be behind, and a host that is cut off may have more than is known.
    local left = depth - (told - caller.quota_held)
    if meta.clock_us < meta.unsure_until and left > caller.quota_held then
      left = caller.quota_held
    end
    if quota > left then
      quota = left > 0 and left or 0
    end
    if quota > caller.quota_held then
      caller.quota_held = quota
    end
    return quota
  end
end
