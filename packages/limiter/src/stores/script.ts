import { createHash } from 'node:crypto'

/** How many arguments the script takes for each key. */
export const argumentsPerKey = 7

/** How many numbers it answers for each. */
export const answersPerKey = 4

/** What Redis runs, and what it is called by. */
export interface Script {
  readonly text: string
  readonly sha: string
}

export const scriptOf = (text: string): Script => ({ text, sha: createHash('sha1').update(text).digest('hex') })

/**
 * The algorithms, by the clock of the server: those of src/algorithms, with the same arithmetic. A key holds a few numbers (MessagePack):
 * what it decides by, so that one without a TTL blocks nobody for longer than one with it; after them come the leases that are out, if
 * there are any. What is no such list, or lies in a future that the clock has gone back from, counts as empty.
 */
export const algorithms: string = `
local steps = 20
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local floor, ceil, max, min = math.floor, math.ceil, math.max, math.min

local function read(key)
  local raw = redis.pcall('GET', key)
  if type(raw) ~= 'string' then return nil end
  local ok, state = pcall(cmsgpack.unpack, raw)
  if not ok or type(state) ~= 'table' or #state < 2 then return nil end
  for i = 1, #state do
    if type(state[i]) ~= 'number' then return nil end
  end
  return state
end

local function write(key, state, us)
  redis.call('SET', key, cmsgpack.pack(state), 'PX', string.format('%.0f', ceil(us / 1000) + 1))
end

-- Leases stand behind the counts of a state, each of three numbers: id, amount, step.
local function leases(s, from)
  local list = {}
  for i = from, s and #s - 2 or 0, 3 do list[#list + 1] = { s[i], s[i + 1], s[i + 2] } end
  return list
end
local function append(s, list)
  for _, lease in ipairs(list) do
    for i = 1, 3 do s[#s + 1] = lease[i] end
  end
  return s
end

local fixed = {}
function fixed.load(c)
  local s = read(c.key)
  if s and (now >= s[1] + c.window or s[1] > now + c.window) then s = nil end
  c.leases = leases(s, 3)
  c.start = s and s[1] or now
  c.used = s and s[2] or 0
end
function fixed.ask(c)
  local left = c.start + c.window - now
  c.ok = c.used + c.need <= c.limit
  c.remaining = max(0, c.limit - c.used)
  c.retry = c.ok and 0 or left
  c.reset = (c.used > 0 or not c.ok) and left or 0
end
function fixed.charge(c)
  c.used = min(c.used + c.charge, 4294967295)
  c.remaining = max(0, c.limit - c.used)
  c.reset = c.start + c.window - now
  write(c.key, append({ c.start, c.used }, c.leases), c.reset)
end

local gcra = {}
function gcra.load(c)
  local s = read(c.key)
  if s and s[1] > now + c.window then s = nil end
  c.last = s and max(now, s[1]) or now
  c.debt = s and max(0, s[2] - (c.last - s[1]) * c.limit) or 0
end
function gcra.tell(c)
  local cap = c.burst * c.window
  c.remaining = max(0, floor((cap - c.debt) / c.window))
  local next = c.debt - (c.burst - c.remaining - 1) * c.window
  c.reset = c.debt == 0 and c.retry or max(c.retry, ceil(next / c.limit))
end
function gcra.ask(c)
  local over = c.debt + c.need * c.window - c.burst * c.window
  c.ok = over <= 0
  c.retry = c.ok and 0 or ceil(over / c.limit)
  gcra.tell(c)
end
function gcra.charge(c)
  c.debt = c.debt + c.charge * c.window
  gcra.tell(c)
  write(c.key, { c.last, c.debt }, c.debt / c.limit)
end

-- A list: the newest step, what it has counted, and what the steps before it have.
local sliding = {}
function sliding.load(c)
  local s = read(c.key)
  c.width = c.window / steps
  c.step = floor(now / c.width)
  c.counts = {}
  local ahead = s and s[1] - c.step or 0
  if ahead > steps then s = nil end
  if ahead > 0 and s then c.step = s[1] end
  c.leases = leases(s, 3 + steps)
  local gap = s and c.step - s[1] or 0
  c.used = 0
  for back = 0, steps do
    local n = s and back >= gap and s[2 + back - gap] or 0
    c.counts[back] = n
    c.used = c.used + n
  end
end
function sliding.freed(c, count)
  local freed = 0
  local newest = 0
  for back = steps, 0, -1 do
    freed = freed + c.counts[back]
    if c.counts[back] > 0 then newest = back end
    if freed >= count then return (c.step - back + steps + 1) * c.width - now end
  end
  return (c.step - newest + steps + 1) * c.width - now
end
function sliding.ask(c)
  c.ok = c.used + c.need <= c.limit
  c.remaining = max(0, c.limit - c.used)
  local over = c.ok and 0 or c.used + c.need - c.limit
  if c.used > 0 then c.reset = sliding.freed(c, max(1, over))
  else c.reset = c.ok and 0 or (steps + 1) * c.width end
  c.retry = c.ok and 0 or c.reset
end
function sliding.charge(c)
  c.counts[0] = min(c.counts[0] + c.charge, 4294967295)
  c.used = c.used + c.charge
  c.remaining = max(0, c.limit - c.used)
  c.reset = sliding.freed(c, 1)
  local oldest = 0
  for back = 1, steps do
    if c.counts[back] > 0 then oldest = back end
  end
  local s = { c.step }
  for back = 0, #c.leases > 0 and steps or oldest do s[2 + back] = c.counts[back] end
  write(c.key, append(s, c.leases), (c.step + steps + 1) * c.width - now)
end

local algorithms = { sliding = sliding, gcra = gcra, fixed = fixed }
`

/**
 * All claims of a decision in one atomic step.
 *
 * KEYS: the counters. ARGV for each: algorithm, limit, window (µs), burst, need, charge, isShadow.
 * Answers the time (µs), whether all that are enforced are met, and for each: isOk, remaining, retryUs, resetUs.
 */
export const script: Script = scriptOf(`${algorithms}
local claims = {}
local all = 1
for i = 1, #KEYS do
  local at = (i - 1) * ${argumentsPerKey}
  local c = { key = KEYS[i], algorithm = algorithms[ARGV[at + 1]], limit = tonumber(ARGV[at + 2]), window = tonumber(ARGV[at + 3]),
    burst = tonumber(ARGV[at + 4]), need = tonumber(ARGV[at + 5]), charge = tonumber(ARGV[at + 6]) }
  c.algorithm.load(c)
  c.algorithm.ask(c)
  if not c.ok and ARGV[at + 7] == '0' then all = 0 end
  claims[i] = c
end
local answer = { now, all }
for i = 1, #claims do
  local c = claims[i]
  if all == 1 and c.ok and c.charge > 0 then c.algorithm.charge(c) end
  local at = 2 + (i - 1) * ${answersPerKey}
  answer[at + 1] = c.ok and 1 or 0
  answer[at + 2] = c.remaining
  answer[at + 3] = c.retry
  answer[at + 4] = c.reset
end
return answer
`)
