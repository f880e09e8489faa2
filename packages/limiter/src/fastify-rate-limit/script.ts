import { algorithms, type Script, scriptOf } from '../stores/script.js'

/**
 * The counter of @fastify/rate-limit: until when its window lasts (µs), how many came in it, and how long it was when it was last set (µs).
 * All of that lies in the value, so a key without a TTL heals by itself.
 *
 * KEYS: the counter. ARGV: window (ms), max, isRead, continueExceeding, exponentialBackoff, each of the last three 1 or 0.
 * Answers how many, and how long the window still lasts (ms).
 */
export const windowScript: Script = scriptOf(`${algorithms}
local most = 9007199254740991
local window, limit = tonumber(ARGV[1]), tonumber(ARGV[2])
local s = read(KEYS[1])
local isAlive = s and s[3] and now < s[1] and s[1] - now <= s[3]
if ARGV[3] == '1' then
  if isAlive then return { s[2], ceil((s[1] - now) / 1000) } end
  return { 0, 0 }
end
local current = isAlive and s[2] + 1 or 1
local ms
if not isAlive or (ARGV[4] == '1' and current > limit) then ms = window
elseif ARGV[5] == '1' and current > limit then ms = min(window * 2 ^ (current - limit - 1), most) end
local until_ = ms and now + ms * 1000 or s[1]
local left = ms or ceil((until_ - now) / 1000)
redis.call('SET', KEYS[1], cmsgpack.pack({ until_, current, ms and ms * 1000 or s[3] }), 'PX', string.format('%.0f', max(1, left)))
return { current, left }
`)
