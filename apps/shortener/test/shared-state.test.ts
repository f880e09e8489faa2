import { startPostgres, startRedis, uniquePrefix, waitFor } from '@steadfast/testing'
import { Redis } from 'ioredis'
import t from 'tap'
import { ask } from './cluster.js'
import { migrate, type RunningServer, startServer } from './server-process.js'

const postgres = await startPostgres()
t.teardown(() => postgres.release())
await migrate(t, postgres.url)
const redis = await startRedis()

const two = (env: Record<string, string>): Promise<RunningServer[]> => {
  const shared = { REDIS_URL: redis.url, REDIS_PREFIX: uniquePrefix('shortener'), TRUST_PROXY: '127.0.0.1', ...env }
  return Promise.all([startServer(t, postgres.url, shared), startServer(t, postgres.url, shared)])
}

t.test('a target is changed 200 times: the very next GET on both servers has the new one', async (t) => {
  const servers = await two({})
  const { code } = (await (await servers[0]!.post({ url: 'https://example.com/' })).json()) as { code: string }
  for (const { url } of servers) t.equal((await ask(`${url}/${code}`)).location, 'https://example.com/')
  let wrong = 0
  for (let round = 0; round < 200; round++) {
    const url = `https://example.com/${round}`
    const answer = await servers[round % 2]!.api('PATCH', `/links/${code}`, { url })
    if (answer.status !== 200) throw new Error(await answer.text())
    const answers = await Promise.all(servers.map((server) => ask(`${server.url}/${code}`)))
    if (answers.some(({ location }) => location !== url)) wrong++
  }
  t.equal(wrong, 0)

  const alias = 'soon-there'
  for (const { url } of servers) t.equal((await ask(`${url}/${alias}`)).status, 404)
  t.equal((await servers[0]!.post({ url: 'https://example.com/', alias })).status, 201)
  for (const { url } of servers)
    t.equal((await ask(`${url}/${alias}`)).status, 302, 'nor is it kept that there was none')
  t.equal((await servers[1]!.api('DELETE', `/links/${alias}`)).status, 204)
  for (const { url } of servers) t.equal((await ask(`${url}/${alias}`)).status, 404)
})

t.test('a database that Redis does not have: it goes on without, and leaves the others alone', async (t) => {
  const own = await startRedis({ own: true, args: ['--databases', '2'] })
  const [here, other] = [1, 0].map((db) => new Redis(own.url, { db }))
  t.teardown(() => {
    here!.disconnect()
    other!.disconnect()
    return own.release()
  })
  const withDatabase = (db: number) => startServer(t, postgres.url, { REDIS_URL: `${own.url}/${db}` })
  const { api, child, post, url } = await withDatabase(2)
  t.match(child.output(), 'DB index is out of range')
  const { code } = (await (await post({ url: 'https://example.com/' })).json()) as { code: string }
  t.equal((await ask(`${url}/${code}`)).status, 302)
  await waitFor(async () => ((await (await api('GET', `/links/${code}`)).json()) as { clicks: number }).clicks === 1)
  t.equal(await other!.dbsize(), 0)
  child.signal('SIGTERM')
  t.same(await child.exit, { code: 0, signal: null })

  const good = await withDatabase(1)
  t.equal((await ask(`${good.url}/${code}`)).status, 302)
  t.ok(await here!.dbsize())
  t.equal(await other!.dbsize(), 0)
})

t.test('Redis takes no writes: a change is seen by all, though it stays in Redis', async (t) => {
  const own = await startRedis({ own: true })
  const control = new Redis(own.url)
  t.teardown(() => {
    control.disconnect()
    return own.release()
  })
  const servers = await two({ REDIS_URL: own.url })
  const follow = () => Promise.all(servers.map(async ({ url }) => (await ask(`${url}/read-only`)).location))
  await servers[0]!.post({ url: 'https://example.com/1', alias: 'read-only' })
  t.same(await follow(), ['https://example.com/1', 'https://example.com/1'])
  await control.replicaof('127.0.0.1', '1') // as one is that was the master until a moment ago
  for (const { child } of servers) await child.printed(/the cache does without Redis/)

  t.equal((await servers[0]!.api('PATCH', '/links/read-only', { url: 'https://example.com/2' })).status, 200)
  await waitFor(async () => (await follow()).every((location) => location === 'https://example.com/2'))
  t.equal((await servers[0]!.api('DELETE', '/links/read-only')).status, 204)
  await waitFor(async () => (await follow()).every((location) => location === undefined))
})

t.test('a link is served until it ends, and not after, however it is cached', async (t) => {
  const servers = await two({})
  const endsMs = Date.now() + 1_500
  const expiresAt = new Date(endsMs).toISOString()
  const { code } = (await (await servers[0]!.post({ url: 'https://example.com/', expiresAt })).json()) as {
    code: string
  }
  let served = 0
  for (;;) {
    const beforeMs = Date.now()
    const answers = await Promise.all(servers.map(({ url }) => ask(`${url}/${code}`)))
    const afterMs = Date.now()
    if (afterMs < endsMs)
      t.same(
        answers.map(({ status }) => status),
        [302, 302],
      ) && served++
    if (beforeMs >= endsMs) {
      t.same(
        answers.map(({ status }) => status),
        [410, 410],
      )
      break
    }
  }
  t.ok(served > 10)
})

t.test('limits hold over both servers: the sum is the limit', async (t) => {
  const servers = await two({ LIMIT_ADDRESS: '100', LIMIT_NOT_FOUND: '10', LIMIT_KEY: '30', LIMIT_CREATES: '20' })
  const { code } = (await (await servers[0]!.post({ url: 'https://example.com/' })).json()) as { code: string }
  const from = (address: string) => ({ 'x-forwarded-for': address })
  const many = (count: number, path: string, address: string) =>
    Promise.all(Array.from({ length: count }, (_, index) => ask(`${servers[index % 2]!.url}/${path}`, from(address))))
  const tally = (statuses: number[]) => {
    const sums: Record<number, number> = {}
    for (const status of statuses) sums[status] = (sums[status] ?? 0) + 1
    return sums
  }

  const answers = await many(300, code, '198.51.100.7')
  t.same(tally(answers.map(({ status }) => status)), { 302: 100, 429: 200 })
  t.ok(answers.filter(({ status }) => status === 429).every(({ headers }) => Number(headers['retry-after']) > 0))
  t.equal((await ask(`${servers[1]!.url}/${code}`, from('198.51.100.8'))).status, 302, 'others are not held up')
  const sameNetwork = await Promise.all([many(60, code, '2001:db8:0:1::1'), many(60, code, '2001:db8:0:1:ffff::2')])
  t.equal(sameNetwork.flat().filter(({ status }) => status === 302).length, 100, 'a /64 is one client')

  const scan: number[] = []
  for (let index = 0; index < 40; index++) {
    const path = `none${index}`
    scan.push((await ask(`${servers[index % 2]!.url}/${path}`, from('198.51.100.9'))).status)
  }
  t.same(tally(scan), { 404: 10, 429: 30 }, 'who tries codes is held up')

  const made = await servers[0]!.api('POST', '/keys', { name: 'standard', scopes: ['read', 'write'] })
  const { key } = (await made.json()) as { key: string }
  const withKey = { authorization: `Bearer ${key}` }
  const links = Array.from({ length: 15 }, () => ({ url: 'https://example.com/' }))
  t.equal((await servers[0]!.api('POST', '/links/bulk', { links }, withKey)).status, 200)
  const more = await servers[1]!.api('POST', '/links/bulk', { links }, withKey)
  t.same([more.status, ((await more.json()) as { code: string }).code], [429, 'ERR_LIMITER_EXCEEDED'])
  const reads = await Promise.all(
    Array.from({ length: 60 }, (_, index) => servers[index % 2]!.api('GET', '/links?limit=1', undefined, withKey)),
  )
  t.same(tally(reads.map(({ status }) => status)), { 200: 28, 429: 32 }, 'a key of the tier standard')
  const operator = await Promise.all(
    Array.from({ length: 60 }, (_, index) => servers[index % 2]!.api('GET', '/links?limit=1')),
  )
  t.same(tally(operator.map(({ status }) => status)), { 200: 60 }, 'the operator’s own')
})

t.test('the sixth key in a minute that is not valid is 429, and good ones never are', async (t) => {
  const servers = await two({ LIMIT_FAILED_KEYS: '5' })
  const attempt = (index: number, key: string) =>
    servers[index % 2]!.api('GET', '/links?limit=1', undefined, {
      authorization: `Bearer ${key}`,
      'x-forwarded-for': '198.51.100.10',
    })
  const statuses: number[] = []
  for (let index = 0; index < 8; index++) {
    statuses.push((await attempt(index, `guess-${index}`)).status)
    const good = await servers[index % 2]!.api('GET', '/links?limit=1', undefined, {
      'x-forwarded-for': '198.51.100.10',
    })
    t.equal(good.status, 200)
  }
  t.same(statuses, [401, 401, 401, 401, 401, 429, 429, 429])
})
