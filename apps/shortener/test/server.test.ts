import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { Agent, get, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect, createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort, isAlive, startPostgres, startProxy, waitFor } from '@steadfast/testing'
import pg from 'pg'
import t from 'tap'
import { migrate, serverEnv, startMain, startServer } from './server-process.js'

t.test('a bad environment: one error with every faulty variable, exit 1', async (t) => {
  for (const name of ['server', 'migrate', 'demo'] as const) {
    const child = await startMain(t, name, { PORT: '80x', LOG_LEVEL: 'loud', DATABASE_URL: 'db' })
    t.same(await child.exit, { code: 1, signal: null })
    t.match(child.output(), /^ERR_SHORTENER_ENVIRONMENT: /)
    const needed = name === 'migrate' ? ['LOG_LEVEL', 'DATABASE_URL'] : ['PORT', 'LOG_LEVEL', 'DATABASE_URL']
    for (const variable of needed) t.match(child.output(), `\n  ${variable} must`)
    t.notMatch(child.output(), /listening| at file:/)
  }
})

t.test('a database that is down at start is waited for', async (t) => {
  const postgres = await startPostgres({ own: true })
  await migrate(t, postgres.url)
  await postgres.kill()
  const child = await startMain(t, 'server', serverEnv(postgres.url))
  await child.printed(/the database at .* does not answer/)
  t.ok(isAlive(child.pid))
  await postgres.restart()
  await child.printed(/Server listening/)
  t.equal(child.output().match(/does not answer/g)?.length, 1, 'said once, however often it was tried')
  await postgres.release()
})

t.test('a database that stays down, or hangs: one error and exit 1 at the deadline', async (t) => {
  const postgres = await startPostgres({ own: true })
  const proxy = await startProxy(postgres.url)
  t.teardown(() => Promise.all([proxy.release(), postgres.release()]))
  const faults = { refused: () => proxy.refuse(), frozen: async () => postgres.freeze() }
  for (const [fault, bring] of Object.entries(faults)) {
    await bring()
    const startMs = performance.now()
    const child = await startMain(t, 'server', {
      ...serverEnv(proxy.through(postgres.url)),
      DATABASE_START_DEADLINE_MS: '400',
      LOG_LEVEL: 'silent',
    })
    t.same(await child.exit, { code: 1, signal: null }, fault)
    const tookMs = performance.now() - startMs
    t.ok(tookMs >= 400 && tookMs < 20_000, `after ${tookMs} ms`)
    t.match(
      child.output(),
      /^ERR_SHORTENER_DATABASE_UNREACHABLE: the database at 127.0.0.1:\d+\/postgres did not answer within 400 ms: .+\n$/,
    )
    await proxy.restore()
  }
})

t.test('a database that says no is not waited for', async (t) => {
  const postgres = await startPostgres()
  t.teardown(() => postgres.release())
  const noSuch = new URL(postgres.url)
  noSuch.pathname = '/no_such_database'
  const refused = await startMain(t, 'server', serverEnv(noSuch.href))
  t.same(await refused.exit, { code: 1, signal: null })
  t.match(refused.output(), /^ERR_SHORTENER_DATABASE_REFUSED: .*no_such_database" does not exist\n$/)

  const stranger = new URL(postgres.url)
  stranger.username = 'no_such_user'
  const noLogin = await startMain(t, 'server', { ...serverEnv(stranger.href), LOG_LEVEL: 'silent' })
  t.same(await noLogin.exit, { code: 1, signal: null })
  t.match(noLogin.output(), /^ERR_SHORTENER_DATABASE_REFUSED: .*"no_such_user" does not exist\n$/)

  const noTls = await startMain(t, 'server', serverEnv(`${postgres.url}?sslmode=require`))
  t.same(await noTls.exit, { code: 1, signal: null })
  t.match(noTls.output(), /ERR_SHORTENER_DATABASE_REFUSED: .*does not support SSL/)

  const client = new pg.Client({ connectionString: postgres.url })
  await client.connect()
  const role = `app_${randomUUID().replaceAll('-', '')}`
  await client.query(`CREATE ROLE ${role} LOGIN`)
  t.teardown(async () => {
    await client.query(`DROP ROLE ${role}`)
    await client.end()
  })
  const asApp = new URL(postgres.url)
  asApp.username = role
  const notOwner = await startMain(t, 'migrate', { DATABASE_URL: asApp.href })
  t.same(await notOwner.exit, { code: 1, signal: null })
  t.match(notOwner.output(), /^ERR_SHORTENER_DATABASE_REFUSED: .*permission denied for schema public\n$/)

  const unmigrated = await startMain(t, 'server', serverEnv(postgres.url))
  t.same(await unmigrated.exit, { code: 1, signal: null })
  t.match(
    unmigrated.output(),
    /^ERR_SHORTENER_MIGRATIONS_PENDING: .*0001_links-and-keys, 0002_api, 0003_clicks, 0004_composition; run the migrate command/,
  )
})

t.test('a taken port is said in one line, exit 1', async (t) => {
  const postgres = await startPostgres()
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  t.teardown(() => {
    other.close()
    return postgres.release()
  })
  await migrate(t, postgres.url)
  const { port } = other.address() as AddressInfo
  const child = await startMain(t, 'server', { ...serverEnv(postgres.url), PORT: `${port}`, LOG_LEVEL: 'silent' })
  t.same(await child.exit, { code: 1, signal: null })
  t.equal(
    child.output(),
    `ERR_SHORTENER_LISTEN: can’t listen on port ${port} of 127.0.0.1: it is taken; stop what uses it, or set PORT\n`,
  )
})

t.test('a folder that can’t be used is said in one line, exit 1', async (t) => {
  const postgres = await startPostgres()
  t.teardown(() => postgres.release())
  await migrate(t, postgres.url)
  const inTheWay = fileURLToPath(import.meta.url)
  const faults = {
    LOG_FILE: { file: join(inTheWay, 'app.log'), code: 'ERR_LOGGING_FILE' },
    ALERTS_DIR: { file: join(inTheWay, 'alerts'), code: 'ERR_ALERTS_SPOOL' },
  }
  for (const [name, { file, code }] of Object.entries(faults)) {
    const child = await startMain(t, 'server', { ...serverEnv(postgres.url), [name]: file, LOG_LEVEL: 'silent' })
    t.same(await child.exit, { code: 1, signal: null }, name)
    t.match(child.output(), new RegExp(`^${code}: .*${file}.*\n$`), name)
  }
})

t.test('the demo does not take the place of a key that others use', async (t) => {
  const postgres = await startPostgres()
  t.teardown(() => postgres.release())
  await migrate(t, postgres.url)
  const server = await startServer(t, postgres.url)
  const demo = await startMain(t, 'demo', { DATABASE_URL: postgres.url, PORT: `${await freePort()}` })
  t.same(await demo.exit, { code: 1, signal: null })
  t.match(demo.output(), /^ERR_SHORTENER_ENVIRONMENT: .*\n {2}BOOTSTRAP_API_KEY is missing;/)
  t.equal((await server.post({ url: 'https://example.com/' })).status, 201)
})

t.test('SIGTERM while it waits for the database: exit 0 in time', async (t) => {
  const child = await startMain(t, 'server', serverEnv(`postgres://user@127.0.0.1:${await freePort()}/db`))
  await child.printed(/does not answer/)
  child.signal('SIGTERM')
  t.same(await child.exit, { code: 0, signal: null })
  t.notMatch(child.output(), 'ERR_SHORTENER_DATABASE_UNREACHABLE')
})

t.test('SIGTERM and SIGINT: exit 0 in time, with idle, silent and half-sent connections open', async (t) => {
  const postgres = await startPostgres()
  t.teardown(() => postgres.release())
  await migrate(t, postgres.url)
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const server = await startServer(t, postgres.url)
    t.equal((await server.post({ url: 'https://example.com/' })).status, 201)
    const { hostname, port } = new URL(server.url)
    const sockets = ['', 'GET /abc HTTP/1.1\r\nHost: a\r\n'].map((text) => {
      const socket = connect(Number(port), hostname)
      socket.on('error', () => {}).write(text)
      return socket
    })
    await Promise.all(sockets.map((socket) => once(socket, 'connect')))
    const startMs = performance.now()
    server.child.signal(signal)
    t.same(await server.child.exit, { code: 0, signal: null }, signal)
    t.ok(performance.now() - startMs < 10_000)
  }
})

t.test('SIGTERM under keep-alive load: no request is reset, and a slow one gets its answer', async (t) => {
  const postgres = await startPostgres()
  t.teardown(() => postgres.release())
  await migrate(t, postgres.url)
  // In production it goes on serving for a while, by the end of which every client that is not idle has been told to go.
  const server = await startServer(t, postgres.url, { NODE_ENV: 'production' })
  const { code } = (await (await server.post({ url: 'https://example.com/' })).json()) as { code: string }
  const clients = Array.from({ length: 30 }, () => untilLetGo(`${server.url}/${code}`))
  const locks = new pg.Client({ connectionString: postgres.url })
  await locks.connect()
  await locks.query('BEGIN; LOCK TABLE links IN SHARE MODE') // holds up writers, not readers
  const slow = server.post({ url: 'https://example.com/slow' })
  const waiting = 'SELECT 1 FROM pg_locks WHERE NOT granted AND relation = $1::regclass'
  await waitFor(async () => (await locks.query(waiting, ['links'])).rowCount)

  server.child.signal('SIGTERM')
  await server.child.printed(/shutdown begins/)
  await locks.query('COMMIT')
  await locks.end()
  t.equal((await slow).status, 201)
  const answers = await Promise.all(clients)
  t.same(await server.child.exit, { code: 0, signal: null })
  t.match(server.child.output(), /"clean":true/)
  t.ok(
    answers.every((count) => count >= 1),
    `answers on each connection: ${answers}`,
  )
})

/** Asks again and again on one connection, until an answer says that it is the last; how many there were. */
async function untilLetGo(url: string): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  for (let count = 1; ; count++) {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      get(url, { agent }, resolve).once('error', reject)
    })
    await once(response.resume(), 'end')
    if (response.statusCode !== 302) throw new Error(`answer ${count} is ${response.statusCode}`)
    if (response.headers.connection === 'close') return count
  }
}

t.test('a database that goes away while it serves: 503 in time, and back without a restart', async (t) => {
  const postgres = await startPostgres({ own: true })
  await migrate(t, postgres.url)
  const server = await startServer(t, postgres.url)
  // One whose visits are counted asks the database each time, whatever is cached.
  const link = { url: 'https://example.com/', maxVisits: 1_000_000 }
  const { code } = (await (await server.post(link)).json()) as { code: string }
  let answered = 0
  const get = async () => {
    const response = await fetch(`${server.url}/${code}`, { redirect: 'manual' })
    if (response.status === 302) answered++
    return response
  }
  const backAgain = (times: number) =>
    waitFor(async () => (await get()) && server.child.output().match(/answers again"/g)?.length === times, {
      everyMs: 100,
    })
  t.equal((await get()).status, 302)

  await postgres.kill()
  await Promise.all(Array.from({ length: 50 }, get))
  const down = await get()
  t.equal(down.status, 503)
  t.equal(down.headers.get('retry-after'), '1')
  t.equal(down.headers.get('location'), null)
  t.match(await down.json(), {
    code: 'ERR_SHORTENER_DATABASE_UNAVAILABLE',
    detail: 'the database does not answer right now',
  })
  t.equal((await fetch(`${server.url}/not.a.code`)).status, 404, 'what needs no database is answered')
  await postgres.restart()
  await waitFor(async () => (await get()).status === 302)
  await backAgain(1)

  postgres.freeze()
  const startMs = performance.now()
  t.equal((await get()).status, 503)
  t.ok(performance.now() - startMs < 7_000, 'a frozen database holds a request no longer than the deadline')
  postgres.thaw()
  await waitFor(async () => (await get()).status === 302)
  await backAgain(2)
  // Besides, there is a line for each request that failed, and one for the alert.
  const errors = server.child.output().match(/^.*"level":50.*$/gm) ?? []
  t.equal(
    errors.filter((line) => !/request completed|"alert":/.test(line)).length,
    2,
    'each outage is said once in the log',
  )
  t.equal(server.child.output().match(/does not answer"/g)?.length, 2)

  await waitFor(async () => {
    const { clicks } = (await (await server.api('GET', `/links/${code}`)).json()) as { clicks: number }
    return clicks === answered
  })
  postgres.freeze()
  const stopMs = performance.now()
  server.child.signal('SIGTERM')
  t.same(await server.child.exit, { code: 0, signal: null }, 'and it stops while the database hangs')
  t.ok(performance.now() - stopMs < 10_000)
  await postgres.release()
})
