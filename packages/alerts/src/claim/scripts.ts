/** Redis' own time: clocks of machines differ. */
const now = `local t = redis.call('TIME'); local now = t[1] * 1000 + math.floor(t[2] / 1000)`

/**
 * This process sees the problem, until it says otherwise or is not heard of; what channels were told is known as long as one does.
 * KEYS hold, told of each channel. ARGV process, holdMs, toldMs. Answers with what each channel was told last.
 */
export const holdScript: string = `${now}
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2] * 2)
local told = {}
for i = 2, #KEYS do
  redis.call('PEXPIRE', KEYS[i], ARGV[3])
  told[i - 1] = redis.call('HGET', KEYS[i], 'what') or ''
end
return told`

/**
 * Asks for the right to tell. KEYS hold, told, lease, acknowledged. ARGV process, what would be told, how old the same may be
 * (-1: any age), leaseMs, holdMs, kind.
 */
export const claimScript: string = `${now}
if ARGV[6] == 'resolve' or ARGV[6] == 'over' then
  redis.call('ZREM', KEYS[1], ARGV[1])
  redis.call('ZREMRANGEBYSCORE', KEYS[1], 0, now)
  if redis.call('ZCARD', KEYS[1]) > 0 then return {'held', 0} end
else
  redis.call('ZADD', KEYS[1], now + ARGV[5], ARGV[1])
  redis.call('PEXPIRE', KEYS[1], ARGV[5] * 2)
end
local other = redis.call('GET', KEYS[3])
if other and string.sub(other, 1, #ARGV[1]) == ARGV[1] then other = false end
-- An end is on its way: what was told before it is out of date.
if other and string.find(other, ' resolved', 1, true) and ARGV[2] ~= 'resolved' then return {'wait', redis.call('PTTL', KEYS[3])} end
local what = redis.call('HGET', KEYS[2], 'what')
if what and string.sub(what, 1, #ARGV[2]) == ARGV[2] then
  local age = now - tonumber(redis.call('HGET', KEYS[2], 'at'))
  if tonumber(ARGV[3]) < 0 or age <= tonumber(ARGV[3]) then return {'told', 0} end
end
if ARGV[6] == 'repeat' and redis.call('EXISTS', KEYS[4]) == 1 then return {'told', 0} end
if other then return {'wait', redis.call('PTTL', KEYS[3])} end
redis.call('SET', KEYS[3], ARGV[1] .. ' ' .. ARGV[2], 'PX', ARGV[4])
return {'go', 0}`

/** It has been told. KEYS told, lease, acknowledged. ARGV process, what, toldMs. */
export const doneScript: string = `${now}
redis.call('HSET', KEYS[1], 'what', ARGV[2], 'at', now)
redis.call('PEXPIRE', KEYS[1], ARGV[3])
if ARGV[2] == 'resolved' then redis.call('DEL', KEYS[3]) end
if string.sub(redis.call('GET', KEYS[2]) or '', 1, #ARGV[1]) == ARGV[1] then redis.call('DEL', KEYS[2]) end
return 1`

/** Others may tell it. KEYS lease. ARGV process. */
export const giveUpScript: string = `
if string.sub(redis.call('GET', KEYS[1]) or '', 1, #ARGV[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1`

/** KEYS hold. ARGV process. Answers with 0 where it was not known to hold it. */
export const letGoScript: string = `return redis.call('ZREM', KEYS[1], ARGV[1])`

/** KEYS acknowledged. ARGV ms. */
export const acknowledgeScript: string = `return redis.call('SET', KEYS[1], 1, 'PX', ARGV[1])`
