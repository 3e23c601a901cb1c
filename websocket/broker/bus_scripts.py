"""What must happen in Redis in one piece, in its own language. ``bus.py`` calls these and gives them types.

``state`` is a hash: ``holder`` and ``fence`` of the last process that collected, ``epoch`` of the numbers, and ``run``,
the run of the Redis server in which they were last confirmed. A server that was restarted may have lost what was
written last, so nothing in it counts until a collector has confirmed it for the new run.
"""

from __future__ import annotations

_RUN = """
local function run()
  local info = redis.pcall('INFO', 'server')
  if type(info) ~= 'string' then return '' end
  return string.match(info, 'run_id:(%w+)') or ''
end
"""

CLAIM = (
    _RUN
    + """
-- KEYS: lease, state
-- ARGV: token, lease in ms, an epoch that nobody has, the epoch in which we number or '', the run that we know or '',
--   latest time in ms or 0
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local current = run()
if ARGV[6] ~= '0' and now > tonumber(ARGV[6]) then return {'late', '', 0, current, now} end
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return {'taken', '', 0, current, now} end
if ARGV[4] == '' and ARGV[5] ~= '' and ARGV[5] ~= current then return {'restarted', '', 0, current, now} end
local state = redis.call('HMGET', KEYS[2], 'holder', 'fence', 'epoch', 'run')
local is_ours = state[1] == ARGV[1]
local fence = tonumber(state[2] or 0)
local epoch = state[3]
if not is_ours then fence = fence + 1 end
if not epoch or (state[4] ~= current and not (is_ours and epoch == ARGV[4])) then epoch = ARGV[3] end
redis.call('HSET', KEYS[2], 'holder', ARGV[1], 'fence', fence, 'epoch', epoch, 'run', current)
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return {'granted', epoch, fence, current, now}
"""
)
"""Takes the lease or makes it longer.

It is ours when nobody else has it. The fence goes up when somebody else had it since. The epoch is a new one when there
is none, or when the server was restarted and we cannot know that nothing was lost. A call that arrives late, because it
waited in front of a server that hung, does nothing: whoever sent it has given up long ago. Nor does one of a process
that has nothing to go on with and learns by it that the server was restarted: others may have.
"""

WRITE = """
-- KEYS: state, heartbeats, channels, then the stream of each entry
-- ARGV: holder, fence, epoch, entries kept, '1' for a heartbeat, then channel, seq, time and body of each entry
local state = redis.call('HMGET', KEYS[1], 'holder', 'fence', 'epoch')
if state[1] ~= ARGV[1] or state[2] ~= ARGV[2] then return 'lost' end
if state[3] ~= ARGV[3] then return 'renumber' end
local beat = ARGV[5] == '1'
for i = 4, #KEYS do
  local at = 6 + (i - 4) * 4
  local tail = redis.call('XREVRANGE', KEYS[i], '+', '-', 'COUNT', 1)[1]
  local is_there = tail and tail[2][2] == ARGV[3] and tonumber(tail[2][4]) >= tonumber(ARGV[at + 1])
  if not is_there then
    redis.call('XADD', KEYS[i], 'MAXLEN', ARGV[4], '*',
      'epoch', ARGV[3], 'seq', ARGV[at + 1], 'time', ARGV[at + 2], 'body', ARGV[at + 3])
  end
  if redis.call('SADD', KEYS[3], ARGV[at]) == 1 then beat = true end
end
if beat then redis.call('XADD', KEYS[2], 'MAXLEN', 8, '*', 'channels', redis.call('SCARD', KEYS[3])) end
return 'written'
"""
"""Adds publications, if nobody else has collected meanwhile. Calling it again after it went through does no harm.

A heartbeat comes after the publications, so whoever hears it has them; a new channel is announced by one.
"""

LOOK = (
    _RUN
    + """
-- KEYS: state, channels
local state = redis.call('HMGET', KEYS[1], 'epoch', 'run')
local is_confirmed = 0
if state[1] and state[2] == run() then is_confirmed = 1 end
return {state[1] or '', is_confirmed, redis.call('SMEMBERS', KEYS[2])}
"""
)
"""What there is to follow: the epoch, whether it is confirmed for this run of the server, and the channels."""

END_EPOCH = """
-- KEYS: state; ARGV: the epoch, an epoch that nobody has
if redis.call('HGET', KEYS[1], 'epoch') == ARGV[1] then redis.call('HSET', KEYS[1], 'epoch', ARGV[2]) end
return 1
"""
"""Has whoever collects begin a new epoch, because publications were shown under numbers of this one that others got."""

RELEASE = """
-- KEYS: lease; ARGV: token
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
"""
"""Gives the lease back, if it is still ours."""
