import { type Script, scriptOf } from '../stores/script.js'

/**
 * Slots of one key: a sorted set of their ids, each until when it is held. What nobody has renewed in time is free again.
 *
 * KEYS: the set. ARGV: what to do, for how long a slot is held (µs), and then
 * take: limit, need, charge, id. Answers whether there was room, how many are held, and when the next is free if nobody renews it (µs).
 * renew, drop: ids.
 */
export const slotScript: Script = scriptOf(`
local key = KEYS[1]
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local lease = tonumber(ARGV[2])
if redis.call('TYPE', key).ok ~= 'zset' then redis.call('DEL', key) end

local function hold(ids)
  for _, id in ipairs(ids) do redis.call('ZADD', key, string.format('%.0f', now + lease), id) end
  redis.call('PEXPIRE', key, string.format('%.0f', math.ceil(lease / 1000) + 1))
end

if ARGV[1] == 'take' then
  local limit, need, charge, id = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6]
  redis.call('ZREMRANGEBYSCORE', key, '-inf', string.format('%.0f', now))
  local used = redis.call('ZCARD', key)
  if used + need > limit then
    local first = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
    return { 0, used, first[2] and tonumber(first[2]) - now or lease }
  end
  local ids = {}
  for i = 1, charge do ids[i] = id .. ':' .. i end
  if charge > 0 then hold(ids) end
  return { 1, used + charge, 0 }
end
local ids = {}
for i = 3, #ARGV do ids[#ids + 1] = ARGV[i] end
if ARGV[1] == 'renew' then hold(ids) else
  for _, id in ipairs(ids) do redis.call('ZREM', key, id) end
end
return { 1, 0, 0 }
`)
