import { mkdtempSync, rmSync } from 'node:fs'
import { STATUS_CODES } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres } from '@steadfast/testing'
import type { FastifyInstance, InjectOptions } from 'fastify'
import t from 'tap'
import { buildApp } from '../src/app.js'
import { parseConfig } from '../src/config.js'
import type { Database } from '../src/database/database.js'
import { openDatabase } from '../src/database/open.js'
import { generateKey, hasKeys, saveBootstrapKey } from '../src/keys/repository.js'
import { noLimits, readableLog, silent } from './client.js'

const folder = mkdtempSync(join(tmpdir(), 'api-'))
const postgres = await startPostgres()
t.teardown(async () => {
  rmSync(folder, { recursive: true })
  await postgres.release()
})
const databases = { PostgreSQL: postgres.url, PGlite: `pglite://${folder}` }
const nobody = { query: async () => [], transaction: async () => {}, check: { run() {} } } as unknown as Database
const key = generateKey()

interface Answer {
  status: number
  headers: Record<string, unknown>
  body: unknown
}

/** One app, its requests, and their answers with what is random or a time taken out. */
class Client {
  readonly answers: Answer[] = []
  readonly #app: FastifyInstance
  constructor(app: FastifyInstance) {
    this.#app = app
  }
  async send(options: InjectOptions): Promise<Answer> {
    const response = await this.#app.inject(options)
    const { date: _, ...headers } = response.headers
    const answer = { status: response.statusCode, headers, body: response.body && JSON.parse(response.body) }
    const text = JSON.stringify(answer).replaceAll(/[\w-]{7}(?=")|\d{4}-\d\d-\d\dT[\d:.]+Z|(?<=;t=)\d+/g, '…')
    this.answers.push(JSON.parse(text))
    return answer
  }
  create(payload: unknown, authorization = `Bearer ${key}`): Promise<Answer> {
    const headers = { authorization, 'content-type': 'application/json' }
    return this.send({ method: 'POST', url: '/api/v1/links', headers, payload: payload as string })
  }
}

async function start(databaseUrl: string): Promise<{ client: Client; database: Database; close: () => Promise<void> }> {
  const config = parseConfig({ BASE_URL: 'https://sho.rt', DATABASE_URL: databaseUrl, ...noLimits })
  const database = await openDatabase(config, silent)
  await database.migrate()
  const app = buildApp(config, { database, redis: undefined, log: silent })
  const close = async () => {
    await app.close()
    await database.close()
  }
  return { client: new Client(app), database, close }
}

const answers: Record<string, Answer[]> = {}

const problem = (status: number, code: string) => ({ type: 'about:blank', title: STATUS_CODES[status], status, code })

for (const [name, url] of Object.entries(databases)) {
  t.test(`the API on ${name}`, async (t) => {
    const { client, database, close } = await start(url)
    t.teardown(close)

    t.notOk(await hasKeys(database))
    t.match(await client.create({ url: 'https://example.com' }), { status: 401 }, 'no key is valid before one is made')
    await saveBootstrapKey(database, 'an older key that is replaced')
    await saveBootstrapKey(database, key)
    t.ok(await hasKeys(database))

    const created = await client.create({ url: 'https://EXAMPLE.com/a/../b?q=ä#f' })
    const { code, shortUrl, createdAt } = created.body as Record<string, string>
    t.match(created, {
      status: 201,
      headers: { location: shortUrl, 'content-type': 'application/json; charset=utf-8' },
      body: { shortUrl: `https://sho.rt/${code}`, url: 'https://example.com/b?q=%C3%A4#f' },
    })
    t.match(code, /^[2-9A-HJ-NP-Za-hjkmnp-z]{7}$/)
    t.ok(Math.abs(Date.parse(createdAt!) - Date.now()) < 60_000)
    t.match(created.body, {
      status: 302,
      title: null,
      tags: [],
      startsAt: null,
      expiresAt: null,
      maxVisits: null,
      clicks: 0,
    })
    const again = await client.create({ url: 'https://example.com/b' })
    t.not((again.body as { code: string }).code, code, 'every create makes a link')

    for (const method of ['GET', 'HEAD'] as const) {
      t.match(await client.send({ method, url: `/${code}?utm=1` }), {
        status: 302,
        headers: { location: 'https://example.com/b?q=%C3%A4#f', 'cache-control': 'private, no-store' },
        body: '',
      })
      t.match(await client.send({ method, url: '/2222222' }), {
        status: 404,
        headers: { location: undefined, 'cache-control': 'private, no-store' },
        body: method === 'GET' ? problem(404, 'ERR_SHORTENER_LINK_NOT_FOUND') : '',
      })
    }
    for (const path of [
      '/x',
      '/favicon.ico',
      '/0000000',
      '/%00',
      "/'%20OR%201=1",
      '/%F0%9F%98%80',
      `/${'a'.repeat(100)}`,
    ]) {
      t.match(await client.send({ method: 'GET', url: path }), { status: 404 }, path)
    }

    for (const authorization of ['', 'Bearer', 'Bearer  ', `Basic ${key}`, key]) {
      const answer = await client.create({ url: 'https://example.com' }, authorization)
      t.match(answer, {
        status: 401,
        headers: { 'www-authenticate': 'Bearer', 'content-type': 'application/problem+json; charset=utf-8' },
        body: problem(401, 'ERR_SHORTENER_UNAUTHORIZED'),
      })
    }
    for (const wrong of [`${key}x`, key.slice(1), 'an older key that is replaced'.replaceAll(' ', '')]) {
      const answer = await client.create({ url: 'https://example.com' }, `Bearer ${wrong}`)
      t.match(answer, { status: 401, headers: { 'www-authenticate': 'Bearer error="invalid_token"' } })
    }
    t.match(await client.create({ url: 'https://example.com' }, `bearer ${key}`), { status: 201 }, 'RFC 9110: any case')

    const refused = [
      'example.com',
      '/relative',
      'javascript:alert(1)',
      'data:text/html,x',
      'ftp://example.com',
      'https://user:pass@example.com',
      'https://user@example.com',
      'https://sho.rt/loop',
      'https://SHO.RT:443/loop',
      'https://sho.rt./loop',
      'http://sho.rt:8080/loop',
      '',
      `https://example.com/${'x'.repeat(2_048)}`,
      'http://',
      `https://example.com/${'ä'.repeat(500)}`,
    ]
    for (const url of refused)
      t.match(await client.create({ url }), { status: 400, body: problem(400, 'ERR_SHORTENER_TARGET') }, url)
    const malformed = [{}, { url: 5 }, { url: null }, { url: ['https://a.b'] }, []]
    for (const body of [...malformed, { url: 'https://a.b', alias: 'x' }]) {
      t.match(
        await client.create(body),
        { status: 400, body: problem(400, 'FST_ERR_VALIDATION') },
        JSON.stringify(body),
      )
    }
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/xml']) {
      const headers = { authorization: `Bearer ${key}`, 'content-type': type }
      const answer = await client.send({ method: 'POST', url: '/api/v1/links', headers, payload: 'url=https://a.b' })
      t.match(answer, { status: 415, body: problem(415, 'FST_ERR_CTP_INVALID_MEDIA_TYPE') }, type)
    }
    t.match(await client.create('{"url":'), { status: 400, body: problem(400, 'FST_ERR_CTP_INVALID_JSON_BODY') })
    t.match(await client.create({ url: 'x'.repeat(20_000) }), { status: 413 })
    const control = await client.create({ url: 'https://example.com/a\r\nSet-Cookie: x' })
    t.match(
      control,
      { status: 201, body: { url: 'https://example.com/aSet-Cookie:%20x' } },
      'no line break gets into a header',
    )
    answers[name] = client.answers
  })
}

t.test('both databases give the same answers', async (t) => {
  t.ok(answers.PostgreSQL!.length > 40)
  t.same(answers.PGlite, answers.PostgreSQL)
})

t.test('X-Forwarded-For and X-Request-Id are believed from the proxies of TRUST_PROXY alone', async (t) => {
  const believed = async (trustProxy: string, remoteAddress: string) => {
    const config = parseConfig({ BASE_URL: 'https://sho.rt', DATABASE_URL: postgres.url, TRUST_PROXY: trustProxy })
    const app = buildApp(config, { database: nobody, redis: undefined, log: silent })
    t.teardown(() => app.close())
    let seen: { ip: string; id: string } | undefined
    app.addHook('onRequest', async ({ ip, id }) => {
      seen = { ip, id }
    })
    const headers = { 'x-forwarded-for': '6.6.6.6, 203.0.113.9', 'x-request-id': 'request-of-nginx' }
    await app.inject({ url: '/2222222', remoteAddress, headers })
    return seen
  }
  const uuidv7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
  t.match(await believed('', '10.1.2.3'), { ip: '10.1.2.3', id: uuidv7 })
  t.match(await believed('10.0.0.0/8', '192.0.2.1'), { ip: '192.0.2.1', id: uuidv7 })
  t.same(
    await believed('10.0.0.0/8,::1', '10.1.2.3'),
    { ip: '203.0.113.9', id: 'request-of-nginx' },
    'and what a client wrote in front is not',
  )
})

t.test('what goes wrong inside is not told to the client', async (t) => {
  const config = parseConfig({ BASE_URL: 'https://sho.rt', DATABASE_URL: postgres.url })
  const query = () => Promise.reject(new Error('the secret of the house'))
  const broken = { query, transaction: query, check: { run() {} } } as unknown as Database
  const { log, lines } = readableLog(t, 'error')
  const app = buildApp(config, { database: broken, redis: undefined, log })
  t.teardown(() => app.close())
  const response = await app.inject('/2222222')
  t.equal(response.statusCode, 500)
  t.notMatch(response.body, 'secret')
  t.match(JSON.parse(response.body), problem(500, 'ERR_SHORTENER_INTERNAL'))
  const told = await lines()
  t.match(told, [{ msg: 'the secret of the house' }, { msg: 'request completed', res: { statusCode: 500 } }])
  t.equal(told[0]!.reqId, told[1]!.reqId)
})

t.test('what a client gets wrong is no error of ours in the log', async (t) => {
  const config = parseConfig({ BASE_URL: 'https://sho.rt', DATABASE_URL: postgres.url })
  const { log, lines } = readableLog(t)
  const app = buildApp(config, { database: nobody, redis: undefined, log })
  t.teardown(() => app.close())
  await app.inject('/favicon.ico')
  await app.inject({ method: 'POST', url: '/api/v1/links', payload: {} })
  const ofRequests = (await lines()).filter(({ reqId }) => reqId !== undefined)
  t.same(
    ofRequests.map(({ msg, level }) => [msg, level]),
    [
      ['request completed', 30],
      ['request completed', 30],
    ],
  )
})
