import { createHash } from 'node:crypto'
import type { RedisLike } from './redis-like.js'

/** A Lua script, called by its hash. */
export interface Script {
  lua: string
  sha: string
}

function script(lua: string): Script {
  return { lua, sha: createHash('sha1').update(lua).digest('hex') }
}

/** Runs a script; hands it over first where Redis does not know it yet, or no longer. */
export async function run(
  redis: RedisLike,
  { lua, sha }: Script,
  keys: string[],
  args: (string | number)[],
): Promise<unknown> {
  try {
    return await redis.evalsha(sha, keys.length, ...keys, ...args)
  } catch (error) {
    if (!(error as Error).message?.startsWith('NOSCRIPT')) throw error
    return redis.eval(lua, keys.length, ...keys, ...args)
  }
}

/*
 * An entry is one string: a head of fixed width, then what text.ts says. The head, by bytes from 1:
 *   1       V value, N nothing there, L a load is under way and there is no entry, E the last load failed
 *   2-17    its version, different for each that is ever written; of L and E the token of the load
 *   18-33   the token of the load that replaces it; '-' none; ends in '!' after a load that failed
 *   34-46   until when, in ms of Redis' own clock, others leave the loading to that load
 * A load may store only while its token is there. Whatever deletes or writes the entry takes the token away, so nothing
 * that was loaded before can be stored after, however late.
 */
const head = `
local head = redis.call('GETRANGE', KEYS[1], 0, 45)
local kind = string.sub(head, 1, 1)
local isMarker = kind == 'L' or kind == 'E'
local function holds(token)
  if kind == 'L' then return string.sub(head, 2, 17) == token end
  return not isMarker and #head == 46 and string.sub(head, 18, 33) == token
end
local function nowMs()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
local function lock(token, ms)
  redis.call('SETRANGE', KEYS[1], 17, token .. string.format('%013.0f', nowMs() + ms))
  if redis.call('PTTL', KEYS[1]) < tonumber(ms) then redis.call('PEXPIRE', KEYS[1], ms) end
end
`

/**
 * Begins a load. Takes what the caller has read: the version of an entry to keep meanwhile, '!' and the version of one that is
 * of no use, '*' for anything but a marker, '' for nothing; then the token, and for how long it holds.
 * Gives { 0 } where something else is there by now, { 1 } and the token, { 2 } and the token of who loads already, or { 3 }
 * where the load has just failed.
 */
export const begin: Script = script(`${head}
local function mark()
  redis.call('SET', KEYS[1], 'L' .. ARGV[2], 'PX', ARGV[3])
  return { 1, ARGV[2] }
end
if head == '' then return mark() end
if kind == 'L' then return { 2, string.sub(head, 2, 17) } end
if kind == 'E' then return { 3 } end
if ARGV[1] == '*' then return mark() end
local version = string.sub(head, 2, 17)
if ARGV[1] == '!' .. version then return mark() end
if ARGV[1] ~= version then return { 0 } end
local untilMs = tonumber(string.sub(head, 34, 46))
if untilMs and untilMs > nowMs() then
  local token = string.sub(head, 18, 33)
  if string.sub(token, 16) == '!' then return { 3 } end
  return { 2, token }
end
lock(ARGV[2], ARGV[3])
return { 1, ARGV[2] }
`)

/** Stores what a load has brought, if its token is still there: 1, or 0. Takes the token, the entry and its life in ms. */
export const store: Script = script(`${head}
if not holds(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
`)

/** Keeps a token for longer, while its load goes on. Takes the token and the time in ms. */
export const keep: Script = script(`${head}
if not holds(ARGV[1]) then return 0 end
if kind == 'L' then redis.call('PEXPIRE', KEYS[1], ARGV[2]) else lock(ARGV[1], ARGV[2]) end
return 1
`)

/** Ends a load that stores nothing. Takes the token; for how long nobody is to try again, in ms; and why. */
export const giveUp: Script = script(`${head}
if not holds(ARGV[1]) then return 0 end
local ms = tonumber(ARGV[2])
if kind == 'L' then
  if ms > 0 then redis.call('SET', KEYS[1], 'E' .. ARGV[1] .. ARGV[3], 'PX', ms) else redis.call('UNLINK', KEYS[1]) end
elseif ms > 0 then
  lock(string.sub(ARGV[1], 1, 15) .. '!', ms)
else
  redis.call('SETRANGE', KEYS[1], 17, string.rep('-', 16) .. string.rep('0', 13))
end
return 1
`)

/** Ends a load that has found what is not to be kept: what was there is gone. Takes the token. */
export const drop: Script = script(`${head}
if not holds(ARGV[1]) then return 0 end
redis.call('UNLINK', KEYS[1])
return 1
`)

/*
 * What is invalidated by more than its key has a stamp: the number of its last invalidation, in one sorted set. An entry has the
 * number that was the last when its load began, and holds if no stamp of its own is above. Numbers, not times: clocks may differ.
 * Where the set is lost, numbers begin above all earlier ones (at the time in microseconds), and all earlier entries are invalid.
 */
const count = `
local seq = tonumber(redis.call('ZSCORE', KEYS[1], 'seq') or '0')
if seq == 0 then
  local time = redis.call('TIME')
  seq = math.max(time[1] * 1000000 + time[2], tonumber(ARGV[1])) + 1
  local first = string.format('%.0f', seq)
  redis.call('ZADD', KEYS[1], first, 'seq', first, 'floor', first, 'trimmed')
elseif tonumber(ARGV[1]) > seq then
  -- A master that failed over has lost the last numbers: they are not given twice.
  seq = tonumber(ARGV[1]) + 1
  redis.call('ZADD', KEYS[1], string.format('%.0f', seq), 'seq')
end
local function nowMs()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
`

/**
 * Counts an invalidation and tells everybody. Keys: the stamps, the instances. Takes the highest number the caller knows, the
 * channel, the caller, 1 to have it confirmed, what else the message says, how many stamps there may be, and those to raise.
 * Gives its number; where it is to be confirmed, then who is alive, and for how many ms at most without hearing of it.
 */
export const invalidate: Script = script(`${count}
seq = seq + 1
local number = string.format('%.0f', seq)
redis.call('ZADD', KEYS[1], number, 'seq')
for i = 7, #ARGV do redis.call('ZADD', KEYS[1], number, ARGV[i]) end
local excess = #ARGV > 6 and redis.call('ZCARD', KEYS[1]) - tonumber(ARGV[6]) or 0
if excess > 0 then
  local last = redis.call('ZSCORE', KEYS[1], 'trimmed')
  for _, member in ipairs(redis.call('ZRANGE', KEYS[1], 0, excess + 2)) do
    if member ~= 'seq' and member ~= 'floor' and member ~= 'trimmed' then
      last = redis.call('ZSCORE', KEYS[1], member)
      redis.call('ZREM', KEYS[1], member)
    end
  end
  redis.call('ZADD', KEYS[1], 'GT', last, 'trimmed')
end
redis.call('PUBLISH', ARGV[2], '[' .. number .. ',' .. ARGV[3] .. ',' .. ARGV[4] .. ',' .. ARGV[5] .. ']')
local answer = { number }
if ARGV[4] == '1' then
  local now = nowMs()
  local live = redis.call('ZRANGEBYSCORE', KEYS[2], string.format('(%.0f', now), '+inf', 'WITHSCORES')
  for i = 1, #live, 2 do
    answer[#answer + 1] = live[i]
    answer[#answer + 1] = string.format('%.0f', live[i + 1] - now)
  end
end
return answer
`)

/**
 * Says that an instance is alive, and asks where the numbers are. Keys as before. Takes the highest number it knows, its id, and
 * for how long it may now answer from memory, in ms; 0 takes it off the list. Gives the number, the floor below which everything
 * is invalid, what a stamp that is not in the set may have been at most, and Redis' time in ms.
 */
export const beat: Script = script(`${count}
local now = nowMs()
if ARGV[3] == '0' then
  redis.call('ZREM', KEYS[2], ARGV[2])
else
  redis.call('ZADD', KEYS[2], string.format('%.0f', now + tonumber(ARGV[3])), ARGV[2])
  redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', string.format('%.0f', now - 60000))
end
local function scoreOf(member) return string.format('%.0f', redis.call('ZSCORE', KEYS[1], member)) end
return { string.format('%.0f', seq), scoreOf('floor'), scoreOf('trimmed'), string.format('%.0f', now) }
`)
