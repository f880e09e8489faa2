import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { waitFor } from '@steadfast/testing'
import { cacheControl, clientHeader, healthPath, limit, metricsPath, type Part, target } from './workload.js'

/** How many of the load's clients are asked for what they have used. */
export const sampledClients = 50

/** What a check needs to know of a server. */
export interface Checked {
  url: URL
  logFolder: string
}

/** What a server says that it does for every request. */
export interface Claim {
  /** @throws Error when one request shows that it does not */
  check(server: Checked): Promise<void>
  /** For how many requests from the load it has done it so far, where that can be seen from outside. */
  count?(server: Checked, clients: number): Promise<number>
  /** It may do it some time after the answer. */
  isLate?: boolean
}

export const claims: Record<Part | 'redirect', Claim> = {
  redirect: { check: checkRedirect },
  // A cache shows in nothing but the right answer, nor does what waits for the end, or for something to go wrong.
  cache: { check: checkRedirect },
  shutdown: { check: checkRedirect },
  alerts: { check: checkRedirect },
  health: { check: checkHealth },
  limit: { check: checkLimit, count: ({ url }, clients) => countedHits(url, clients) },
  log: { check: checkLog, count: async ({ logFolder }) => accessLines(logFolder).length, isLate: true },
  metrics: { check: checkMetrics, count: ({ url }) => countedRequests(url) },
}

async function checkRedirect({ url }: Checked): Promise<void> {
  const { status, headers } = await ask(url)
  const expected = [302, target, cacheControl]
  equal(url, 'the redirect', [status, headers.get('location'), headers.get('cache-control')], expected)
  const { status: unknown } = await ask(new URL('/9999999', url))
  equal(url, 'the status of an unknown code', unknown, 404)
}

async function checkHealth({ url }: Checked): Promise<void> {
  const { status } = await ask(new URL(healthPath, url))
  equal(url, 'the health route', status, 200)
}

async function checkLimit({ url }: Checked): Promise<void> {
  const before = await limitTold(url, 'one')
  const after = await limitTold(url, 'one')
  equal(url, 'the limit it tells', before.limit, limit.max)
  equal(url, 'what remains of one client’s limit after its next request', after.remaining, before.remaining - 1)
  const other = await limitTold(url, `other-${before.remaining}`)
  equal(url, 'what remains of another client’s limit', other.remaining, limit.max - 1)
  // A sliding window that is kept in steps tells when the step is over: a twentieth later, with @steadfast/limiter.
  const isReset = after.resetSeconds >= 0 && after.resetSeconds <= (1.05 * limit.windowMs) / 1_000
  equal(url, `whether its reset of ${after.resetSeconds} s lies within the window`, isReset, true)
}

async function checkLog(server: Checked): Promise<void> {
  const before = accessLines(server.logFolder).length
  await ask(server.url)
  const line = await waitFor(() => accessLines(server.logFolder)[before], {
    what: `${server.url} writing an access line`,
    timeoutMs: 3_000,
  })
  const fields = ['level', 'time', 'reqId', 'method', 'url', 'remoteAddress', 'statusCode', 'responseTime']
  const missing = fields.filter((field) => line[field] === undefined)
  equal(server.url, 'the fields that are missing in its access line', missing, [])
  const { method, url, statusCode } = line
  equal(server.url, 'its access line', [method, url, statusCode], ['GET', server.url.pathname, 302])
}

async function checkMetrics({ url }: Checked): Promise<void> {
  const before = await countedRequests(url)
  await ask(url)
  equal(url, 'the requests that its histogram counts', await countedRequests(url), before + 1)
}

/** By the count of the redirect's duration histogram. */
async function countedRequests(url: URL): Promise<number> {
  const text = await (await ask(new URL(metricsPath, url))).text()
  const samples = text.split('\n').filter((line) => /^http_request_duration_seconds_count\{.*302/.test(line))
  const buckets = text.split('\n').filter((line) => /^http_request_duration_seconds_bucket\{.*302/.test(line))
  if (samples.length > 0) equal(url, 'the buckets of its histogram', buckets.length / samples.length, 12)
  return samples.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
}

/** By what remains of the limits of some of the clients; each question is a hit itself. */
async function countedHits(url: URL, clients: number): Promise<number> {
  const sampled = Math.min(clients, sampledClients)
  let hits = 0
  for (let sample = 0; sample < sampled; sample++) {
    const client = 1 + Math.floor((sample * clients) / sampled)
    hits += limit.max - (await limitTold(url, `c${client}`)).remaining - 1
  }
  return Math.max(0, (hits / sampled) * clients)
}

/** By the headers of IETF's drafts: three with a number each, or since draft 8 two with lists. */
async function limitTold(
  url: URL,
  client: string,
): Promise<{ limit: number; remaining: number; resetSeconds: number }> {
  const { headers } = await ask(url, client)
  const [now, policy] = [headers.get('ratelimit') ?? '', headers.get('ratelimit-policy') ?? '']
  const numberOf = (what: string, list: RegExpExecArray | null) => {
    const told = headers.get(`ratelimit-${what}`) ?? list?.[1]
    if (told === undefined) throw new Error(`${url}: no header tells ${what} of its limit`)
    return Number(told)
  }
  return {
    limit: numberOf('limit', /;q=(\d+)/.exec(policy)),
    remaining: numberOf('remaining', /;r=(\d+)/.exec(now)),
    resetSeconds: numberOf('reset', /;t=(\d+)/.exec(now)),
  }
}

/** The lines that tell how a redirect was answered, with what an earlier line says of the same request. */
function accessLines(folder: string): Record<string, unknown>[] {
  const requests = new Map<unknown, object>()
  const lines: Record<string, unknown>[] = []
  for (const name of readdirSync(folder)) {
    for (const text of readFileSync(join(folder, name), 'utf8').split('\n')) {
      if (!text.startsWith('{') || !text.endsWith('}')) continue
      const { reqId, req, res, timestamp: time, ...rest } = JSON.parse(text)
      if (req && !res) requests.set(reqId, req)
      if (res?.statusCode !== 302) continue
      lines.push({ time, ...rest, reqId, ...requests.get(reqId), ...req, ...res })
      requests.delete(reqId)
    }
  }
  return lines
}

function ask(url: URL, client = 'check'): Promise<Response> {
  return fetch(url, { redirect: 'manual', headers: { [clientHeader]: client } })
}

function equal(url: URL, what: string, got: unknown, expected: unknown): void {
  if (isDeepStrictEqual(got, expected)) return
  throw new Error(`${url}: ${what}: ${JSON.stringify(got)} instead of ${JSON.stringify(expected)}`)
}
