import { algorithms, type Script, scriptOf } from '../stores/script.js'

/**
 * Takes tokens of one counter, and takes back those of leases that are over. What is taken counts as used at once. A lease is noted in
 * the counter's own state: one that is not found there any more is not taken back, for what it took is not counted there either, or
 * was taken back before. So leases may be told again and again, and a state that was lost or has gone back can only mean that fewer
 * pass.
 *
 * Tokens are good for as long as Redis counts them where it would count a hit now: for `fixed` until the window ends, for `sliding`
 * until the twentieth of a window does.
 *
 * KEYS: the counter. ARGV: algorithm, limit, window (µs), need (what is waited for), least (the smallest part of that), want (on top of
 * need), share (a lease takes no more than this part of what is left on top of need), id; then id and unspent tokens (-1: all) of
 * each lease that is over.
 * Answers granted, used, validUs, retryUs, resetUs, held (by leases that were there before).
 */
export const leaseScript: Script = scriptOf(`${algorithms}
local most = 100
local c = { key = KEYS[1], algorithm = algorithms[ARGV[1]], limit = tonumber(ARGV[2]), window = tonumber(ARGV[3]) }
local need, least, want = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
c.need = max(1, least)
c.algorithm.load(c)
local isSliding = c.algorithm == sliding
local step = isSliding and c.step or 0

local over = {}
for i = 9, #ARGV - 1, 2 do over[tonumber(ARGV[i])] = tonumber(ARGV[i + 1]) end
local out = {}
local isChanged = false
local held = 0
for _, lease in ipairs(c.leases) do
  local id, amount, taken = lease[1], lease[2], lease[3]
  local isCounted = not isSliding or (taken <= step and taken >= step - steps)
  local unspent = over[id]
  if unspent then
    local back = unspent < 0 and amount or min(unspent, amount)
    isChanged = true
    if isCounted and back > 0 then
      c.used = max(0, c.used - back)
      if isSliding then c.counts[step - taken] = max(0, c.counts[step - taken] - back) end
    end
  elseif isCounted then
    out[#out + 1] = lease
    held = held + amount
  end
end
c.leases = out

local left = max(0, c.limit - c.used)
local grant = 0
if need + want > 0 and left >= least then
  local extra = min(want, max(need > 0 and 0 or 1, floor(left / tonumber(ARGV[7]))))
  grant = min(left, need + extra)
end
if grant > 0 then
  if #out >= most then table.remove(out, 1) end
  out[#out + 1] = { tonumber(ARGV[8]), grant, step }
end
if grant > 0 or isChanged then
  c.charge = grant
  c.algorithm.charge(c)
end
c.algorithm.ask(c)
local valid = isSliding and (floor(now / c.width) + 1) * c.width - now or c.start + c.window - now
return { grant, c.used, floor(valid), ceil(c.retry), ceil(c.reset), held }
`)
