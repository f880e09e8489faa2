import { type Script, scriptOf } from '../stores/script.js'
import { mostBans } from './ban.js'

/** Bans that one answer lists, at most. */
export const mostListed = 1_000

/**
 * Bans, each with the version that it was written at, so that whoever has all up to a version asks for the rest. By the clock of the
 * server, in milliseconds. A ban that was lifted is kept, as lifted, for as long as somebody could still hold it. The epoch tells a
 * server that has lost its data, or had to evict some of these keys, from one that has not.
 *
 * KEYS: bans by name, names by version, names by when they are forgotten, epoch and version; where one name is meant, its refusals.
 * ARGV: what to do, and for it
 * - offend: name, what, refusals, after, windowMs, banMs, factor, maxMs, offences known. Answers leftMs, offences, forgetMs.
 * - ban: name, what, ms, offences known. Answers the same.
 * - unban: name, what. Answers the same.
 * - sync: epoch, version; then name, what, leftMs, offences, forgetMs of each ban that Redis may not know.
 *   Answers epoch, version, whether there is more; then what, leftMs, offences, forgetMs of each that was written since.
 */
export const banScript: Script = scriptOf(`
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local bans, byVersion, byEnd, meta, refusals = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local function text(n) return string.format('%.0f', n) end

local epoch, version = unpack(redis.call('HMGET', meta, 'epoch', 'version'))
local count = redis.call('HLEN', bans)
local isWhole = redis.call('ZCARD', byVersion) == count and redis.call('ZCARD', byEnd) == count
-- The last that was written stays until there is another, so none at all is a loss as well.
if not epoch or not isWhole or (count == 0 and version ~= '0') then
  epoch = time[1] .. '.' .. time[2]
  redis.call('DEL', bans, byVersion, byEnd)
  redis.call('HSET', meta, 'epoch', epoch, 'version', 0)
end

local function load(name)
  local raw = redis.call('HGET', bans, name)
  if not raw then return nil end
  local till, offences, forget, what = string.match(raw, '^(%d+) (%d+) (%d+) (.*)$')
  local b = { till = tonumber(till), offences = tonumber(offences), forget = tonumber(forget), what = what }
  if b.forget <= now then return nil end
  return b
end

local function remove(names)
  for _, name in ipairs(names) do
    redis.call('HDEL', bans, name)
    redis.call('ZREM', byVersion, name)
    redis.call('ZREM', byEnd, name)
  end
end

local function save(name, b)
  local version = redis.call('HINCRBY', meta, 'version', 1)
  redis.call('HSET', bans, name, text(b.till) .. ' ' .. text(b.offences) .. ' ' .. text(b.forget) .. ' ' .. b.what)
  redis.call('ZADD', byVersion, version, name)
  redis.call('ZADD', byEnd, text(b.forget), name)
  remove(redis.call('ZRANGEBYSCORE', byEnd, '-inf', text(now), 'LIMIT', 0, 100))
  local over = redis.call('ZCARD', byEnd) - ${mostBans}
  if over > 0 then remove(redis.call('ZRANGE', byEnd, 0, over - 1)) end
end

local function answer(b)
  if not b then return { 0, 0, 0 } end
  return { text(math.max(0, b.till - now)), b.offences, text(b.forget - now) }
end

local act, name = ARGV[1], ARGV[2]

if act == 'offend' then
  local b = load(name)
  if b and b.till > now then return answer(b) end
  local count = redis.call('INCRBY', refusals, ARGV[4])
  if redis.call('PTTL', refusals) < 0 then redis.call('PEXPIRE', refusals, ARGV[6]) end
  if count < tonumber(ARGV[5]) then return answer(nil) end
  redis.call('DEL', refusals)
  local longest = tonumber(ARGV[9])
  local offences = math.max(b and b.offences or 0, tonumber(ARGV[10])) + 1
  local till = now + math.floor(math.min(longest, ARGV[7] * ARGV[8] ^ (offences - 1)))
  b = { till = till, offences = offences, forget = till + longest, what = ARGV[3] }
  save(name, b)
  return answer(b)
end

if act == 'ban' then
  local b = load(name) or { offences = tonumber(ARGV[5]), forget = 0 }
  b.till = now + ARGV[4]
  b.forget = math.max(b.till, b.forget)
  b.what = ARGV[3]
  save(name, b)
  return answer(b)
end

if act == 'unban' then
  local b = load(name)
  redis.call('DEL', refusals)
  save(name, { till = 0, offences = 0, forget = math.max(b and b.till or 0, now + 60000), what = ARGV[3] })
  return answer(nil)
end

local since = tonumber(ARGV[3])
if ARGV[2] ~= epoch or since > tonumber(redis.call('HGET', meta, 'version')) then since = 0 end
for i = 4, #ARGV - 4, 5 do
  local b = load(ARGV[i])
  local till = now + math.floor(ARGV[i + 2])
  if not b or (b.till > 0 and b.till < till) then
    local offences = math.max(b and b.offences or 0, tonumber(ARGV[i + 3]))
    local forget = math.max(till, now + math.floor(ARGV[i + 4]))
    save(ARGV[i], { till = till, offences = offences, forget = forget, what = ARGV[i + 1] })
  end
end
local found = redis.call('ZRANGEBYSCORE', byVersion, '(' .. text(since), '+inf', 'WITHSCORES', 'LIMIT', 0, ${mostListed})
local out = { epoch, redis.call('HGET', meta, 'version'), #found == ${2 * mostListed} and 1 or 0 }
if out[3] == 1 then out[2] = found[#found] end
for i = 1, #found, 2 do
  local b = load(found[i])
  if b then
    local told = answer(b)
    out[#out + 1] = b.what
    for j = 1, 3 do out[#out + 1] = told[j] end
  end
end
return out
`)
