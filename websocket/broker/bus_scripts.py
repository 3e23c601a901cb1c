"""What must happen in Redis in one piece, in its own language. ``bus.py`` calls these and gives them types.

``state`` is a hash: ``holder`` and ``fence`` of the last process that collected, ``epoch`` of the numbers, and ``run``,
the run of the Redis server in which they were last confirmed. A server that was restarted may have lost what was
written last, so nothing in it counts until a collector has confirmed it for the new run.

The names below our prefix are ours. What stands there and cannot be ours is passed over by whoever follows, and removed
by whoever collects; ``foreign`` in an answer says what was.
"""

from __future__ import annotations

from websocket.broker.base import BODY_MAX_BYTES

FIELD_MAX_BYTES = 64
"""Of an entry's epoch, seq and time."""

_RUN = """
local function run()
  local info = redis.pcall('INFO', 'server')
  if type(info) ~= 'string' then return '' end
  return string.match(info, 'run_id:(%w+)') or ''
end
"""

_OWN = """
local foreign = {}
local function own(key, kind, name)
  local is = redis.call('TYPE', key)['ok']
  if is ~= 'none' and is ~= kind then
    redis.call('UNLINK', key)
    foreign[#foreign + 1] = name .. ' was a ' .. is
  end
end
"""
"""Removes what is of another kind than ours under one of our names."""

_ROW = f"""
local function row(entry)
  local f = entry[2]
  if #f ~= 8 or f[1] ~= 'epoch' or f[3] ~= 'seq' or f[5] ~= 'time' or f[7] ~= 'body'
    or math.max(#f[2], #f[4], #f[6]) > {FIELD_MAX_BYTES} or #f[8] > {BODY_MAX_BYTES} then
    return {{entry[1]}}, 0
  end
  return {{entry[1], f[2], f[4], f[6], f[8]}}, #f[8]
end
local function rows_from(key, first, count, bytes)
  local rows, size, is_more = {{}}, 0, 0
  for _, entry in ipairs(redis.call('XRANGE', key, first, '+', 'COUNT', count + 1)) do
    if #rows == count or size > bytes then is_more = 1 break end
    local one, length = row(entry)
    rows[#rows + 1] = one
    size = size + length
  end
  return rows, is_more
end
local function last_id(key)
  local tail = redis.call('XREVRANGE', key, '+', '-', 'COUNT', 1)[1]
  return tail and tail[1] or '0-0'
end
"""
"""Entries of a stream from a position on, bounded in number and bytes; of one that cannot be ours only its position."""

CLAIM = (
    _RUN
    + _OWN
    + """
-- KEYS: lease, state
-- ARGV: token, lease in ms, an epoch that nobody has, the epoch in which we number or '', the run that we know or '',
--   latest time in ms or 0
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local current = run()
if ARGV[6] ~= '0' and now > tonumber(ARGV[6]) then return {'late', '', 0, current, now, foreign} end
own(KEYS[1], 'string', 'lease')
own(KEYS[2], 'hash', 'state')
local holder = false
if redis.call('EXISTS', KEYS[1]) == 1 then
  local left = redis.call('PTTL', KEYS[1])
  if redis.call('STRLEN', KEYS[1]) == #ARGV[1] then holder = redis.call('GET', KEYS[1]) end
  local why = nil
  if not holder or not string.match(holder, '^%x+$') then why = 'lease was no token'
  elseif left < 0 then why = 'lease had no end'
  elseif left > 2 * tonumber(ARGV[2]) then why = 'lease ended too late' end
  if why then
    redis.call('UNLINK', KEYS[1])
    foreign[#foreign + 1] = why
    holder = false
  end
end
if holder and holder ~= ARGV[1] then return {'taken', '', 0, current, now, foreign} end
if ARGV[4] == '' and ARGV[5] ~= '' and ARGV[5] ~= current then return {'restarted', '', 0, current, now, foreign} end
local state = redis.call('HMGET', KEYS[2], 'holder', 'fence', 'epoch', 'run')
local is_ours = state[1] == ARGV[1]
local fence = 0
if state[2] then
  fence = #state[2] < 16 and string.match(state[2], '^%d+$') and tonumber(state[2])
  if not fence then
    -- higher than any that was counted
    fence = now
    foreign[#foreign + 1] = 'fence was no number'
  end
end
local epoch = state[3]
if epoch and not (#epoch == #ARGV[3] and string.match(epoch, '^%x+$')) then
  epoch = false
  foreign[#foreign + 1] = 'epoch was no name of one'
end
if not is_ours then fence = fence + 1 end
if not epoch or (state[4] ~= current and not (is_ours and epoch == ARGV[4])) then epoch = ARGV[3] end
redis.call('HSET', KEYS[2], 'holder', ARGV[1], 'fence', fence, 'epoch', epoch, 'run', current)
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return {'granted', epoch, fence, current, now, foreign}
"""
)
"""Takes the lease or makes it longer.

It is ours when nobody else has it; a value that has no end, or is no token, is nobody's. The fence goes up when
somebody else had it since. The epoch is a new one when there is none, or when the server was restarted and we cannot
know that nothing was lost. A call that arrives late, because it waited in front of a server that hung, does nothing:
whoever sent it has given up long ago. Nor does one of a process that has nothing to go on with and learns by it that
the server was restarted: others may have.
"""

POSITION_MS_DIGITS = 15
"""A position with more digits of milliseconds cannot come from a clock."""

FOUND_MAX = 200
"""Entries of others in one stream between two writes; more of them are not read."""

WRITE = (
    _OWN
    + _ROW
    + f"""
-- KEYS: state, heartbeats, channels, then the stream of each channel
-- ARGV: holder, fence, epoch, entries kept, '1' for a heartbeat, channels; then of each channel its name, the position
--   that we know, the one after it, and positions to remove; then of each entry the number of its channel, seq, time
--   and body
own(KEYS[1], 'hash', 'state')
local state = redis.call('HMGET', KEYS[1], 'holder', 'fence', 'epoch')
if state[1] ~= ARGV[1] or state[2] ~= ARGV[2] then return {{'lost', {{}}, foreign}} end
if state[3] ~= ARGV[3] then return {{'renumber', {{}}, foreign}} end
own(KEYS[2], 'stream', 'heartbeats')
own(KEYS[3], 'set', 'channels')
local beat, count = ARGV[5] == '1', tonumber(ARGV[6])
local function add(key, name, kept, ...)
  local id = redis.pcall('XADD', key, 'MAXLEN', kept, '*', ...)
  local is_error = type(id) == 'table'
  if is_error and not string.find(id.err, 'ID', 1, true) then return id end
  if is_error or #string.match(id, '^%d+') > {POSITION_MS_DIGITS} then
    -- behind the last position that there can be nothing could ever be added
    redis.call('UNLINK', key)
    foreign[#foreign + 1] = name .. ' was at its last position'
    id = redis.call('XADD', key, 'MAXLEN', kept, '*', ...)
  end
  return id
end
local channels, said = {{}}, {{}}
for i = 1, count do
  local key, at = KEYS[3 + i], 7 + (i - 1) * 4
  own(key, 'stream', 'stream:' .. ARGV[at])
  for id in string.gmatch(ARGV[at + 3], '%S+') do redis.call('XDEL', key, id) end
  -- the entry that we know is not looked at: it is copied for that
  local rows, is_more = rows_from(key, ARGV[at + 2], {FOUND_MAX}, 4 * {BODY_MAX_BYTES})
  local last = rows[1] and last_id(key) or ARGV[at + 1]
  if #string.match(last, '^%d+') > {POSITION_MS_DIGITS} then
    redis.call('UNLINK', key)
    foreign[#foreign + 1] = 'stream:' .. ARGV[at] .. ' was at its last position'
  end
  local is_gone = 0
  if last ~= '0-0' and redis.call('XLEN', key) == 0 then is_gone = 1 end
  said[i] = {{}}
  for _, one in ipairs(rows) do
    if #one == 5 and one[2] == ARGV[3] then said[i][one[3] .. ' ' .. one[4]] = one[5] end
  end
  channels[i] = {{last, is_gone, is_more, rows}}
end
for at = 7 + count * 4, #ARGV, 4 do
  local i = tonumber(ARGV[at])
  if channels[i][2] == 0 and said[i][ARGV[at + 1] .. ' ' .. ARGV[at + 2]] ~= ARGV[at + 3] then
    local id = add(KEYS[3 + i], 'stream:' .. ARGV[7 + (i - 1) * 4], ARGV[4],
      'epoch', ARGV[3], 'seq', ARGV[at + 1], 'time', ARGV[at + 2], 'body', ARGV[at + 3])
    if type(id) == 'table' then return id end
    channels[i][1] = id
  end
end
for i = 1, count do
  if redis.call('SADD', KEYS[3], ARGV[7 + (i - 1) * 4]) == 1 then beat = true end
end
if redis.call('SCARD', KEYS[3]) ~= count then
  redis.call('UNLINK', KEYS[3])
  for i = 1, count do redis.call('SADD', KEYS[3], ARGV[7 + (i - 1) * 4]) end
  foreign[#foreign + 1] = 'channels had names that nobody publishes'
end
if beat then
  local id = add(KEYS[2], 'heartbeats', 8, 'channels', count, 'epoch', ARGV[3])
  if type(id) == 'table' then return id end
end
return {{'written', channels, foreign}}
"""
)
"""Adds publications, if nobody else has collected meanwhile. Calling it again after it went through does no harm.

Whoever collects is the only one who writes, so it knows where each stream ends. What it finds behind that was written
by somebody else, or by itself in a call whose answer was lost; the answer gives it back to be judged. Where what it
knows is gone, it adds nothing: then all that is remembered of the channel is to be written again.

A heartbeat comes after the publications, so whoever hears it has them; a new channel is announced by one.
"""

READ = (
    _ROW
    + f"""
-- KEYS: stream; ARGV: first position, most entries
if redis.call('TYPE', KEYS[1])['ok'] ~= 'stream' then
  if redis.call('EXISTS', KEYS[1]) == 1 then return {{'', 0, {{}}}} end
  return {{'0-0', 0, {{}}}}
end
local rows, is_more = rows_from(KEYS[1], ARGV[1], ARGV[2], 4 * {BODY_MAX_BYTES})
return {{rows[1] and rows[#rows][1] or last_id(KEYS[1]), is_more, rows}}
"""
)
"""The last position that was read, or that there is; whether there is more; and entries from a position on. '' for what
is no stream.
"""

HEADS = """
-- KEYS: streams; ARGV: most entries of each
local heads = {}
for i, key in ipairs(KEYS) do
  heads[i] = {}
  if redis.call('TYPE', key)['ok'] == 'stream' then
    for n, entry in ipairs(redis.call('XREVRANGE', key, '+', '-', 'COUNT', ARGV[1])) do
      local f = entry[2]
      if #f >= 6 and #f[2] <= 64 and #f[4] <= 64 and #f[6] <= 64 then heads[i][n] = {entry[1], f[2], f[4], f[6]}
      else heads[i][n] = {entry[1]} end
    end
  end
end
return heads
"""
"""The newest entries of streams without their bodies, newest first."""

LOOK = (
    _RUN
    + """
-- KEYS: state, channels, heartbeats; ARGV: most channels
local state, names, beat = {}, {}, '0-0'
if redis.call('TYPE', KEYS[1])['ok'] == 'hash' then state = redis.call('HMGET', KEYS[1], 'epoch', 'run') end
if redis.call('TYPE', KEYS[2])['ok'] == 'set' and redis.call('SCARD', KEYS[2]) <= tonumber(ARGV[1]) then
  names = redis.call('SMEMBERS', KEYS[2])
end
if redis.call('TYPE', KEYS[3])['ok'] == 'stream' then
  local tail = redis.call('XREVRANGE', KEYS[3], '+', '-', 'COUNT', 1)[1]
  if tail then beat = tail[1] end
end
local epoch, is_confirmed = state[1], 0
if not epoch or #epoch > 64 then epoch = '' end
if epoch ~= '' and state[2] == run() then is_confirmed = 1 end
return {epoch, is_confirmed, names, beat}
"""
)
"""What there is to follow: the epoch, whether it is confirmed for this run of the server, the channels, and where the
heartbeats are.
"""

END_EPOCH = (
    _OWN
    + """
-- KEYS: state; ARGV: the epoch, an epoch that nobody has
own(KEYS[1], 'hash', 'state')
if redis.call('HGET', KEYS[1], 'epoch') == ARGV[1] then redis.call('HSET', KEYS[1], 'epoch', ARGV[2]) end
return 1
"""
)
"""Has whoever collects begin a new epoch, because publications were shown under numbers of this one that others got."""

RELEASE = """
-- KEYS: lease; ARGV: token
if redis.call('TYPE', KEYS[1])['ok'] == 'string' and redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('DEL', KEYS[1])
end
return 1
"""
"""Gives the lease back, if it is still ours."""
