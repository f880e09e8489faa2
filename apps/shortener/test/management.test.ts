import { createHash } from 'node:crypto'
import t from 'tap'
import { type Client, databases, startApp } from './client.js'

const target = 'https://example.com/'
const bearer = (key: string) => ({ authorization: `Bearer ${key}` })
const inMs = (ms: number) => new Date(Date.now() + ms).toISOString()

for (const [name, newDatabase] of Object.entries(databases)) {
  t.test(`links and keys on ${name}`, async (t) => {
    const client = await startApp(t, await newDatabase(t), { env: { CORS_ORIGINS: 'https://app.sho.rt' } })
    await t.test('a link with everything, changed and deleted', (t) => lifeOfLink(t, client))
    await t.test('times', (t) => times(t, client))
    await t.test('statuses, and how long they may be kept', (t) => statuses(t, client))
    await t.test('search and tags', (t) => search(t, client))
    await t.test('bulk', (t) => bulk(t, client))
    await t.test('keys', (t) => keys(t, client))
    await t.test('a code of random letters is found as it is written alone', (t) => exactCodes(t, client))
    await t.test('headers for browsers', (t) => browsers(t, client))
  })
}

type Check = (t: Parameters<typeof startApp>[0], client: Client) => Promise<void>

const lifeOfLink: Check = async (t, client) => {
  const given = {
    url: target,
    alias: 'My-Page',
    title: 'Mine',
    tags: ['b', 'a', 'b'],
    status: 307,
    startsAt: '2020-01-01T01:00:00+01:00',
    expiresAt: '2999-01-01T00:00:00Z',
    maxVisits: 3,
  }
  const created = await client.api('POST', '/links', given)
  const expected = { ...given, alias: undefined, code: 'My-Page', shortUrl: 'https://sho.rt/My-Page', tags: ['b', 'a'] }
  t.match(created, { status: 201, headers: { location: 'https://sho.rt/My-Page' } })
  const times = { startsAt: '2020-01-01T00:00:00.000Z', expiresAt: '2999-01-01T00:00:00.000Z', visitsLeft: 3 }
  t.match(created.body, { ...expected, ...times })
  t.same((await client.api('GET', '/links/MY-PAGE')).body, created.body)

  const answer = await client.api('PATCH', '/links/my-page', {
    url: 'https://EXAMPLE.org',
    expiresAt: null,
    title: null,
  })
  t.match(answer, {
    status: 200,
    body: { url: 'https://example.org/', expiresAt: null, title: null, tags: ['b', 'a'] },
  })
  t.ok(answer.body.updatedAt > answer.body.createdAt)
  t.match(await client.follow('my-page'), { status: 307, headers: { location: 'https://example.org/' } })
  t.equal((await client.api('GET', '/links/My-Page')).body.visitsLeft, 2)
  const [noted] = await client.database.query('SELECT old_url, new_url FROM target_changes')
  t.same(noted, { old_url: target, new_url: 'https://example.org/' }, 'who made it lead elsewhere is on record')

  for (const body of [
    {},
    { alias: 'x' },
    { url: null },
    { maxVisits: 0 },
    { status: 303 },
    { title: 'a\nb' },
    { tags: [''] },
  ]) {
    const wrong = await client.api('PATCH', '/links/my-page', body)
    t.match(wrong, { status: 400, body: { code: 'FST_ERR_VALIDATION' } }, JSON.stringify(body))
  }
  t.equal((await client.api('DELETE', '/links/my-page')).status, 204)
  t.equal((await client.follow('my-page')).status, 404)
  for (const method of ['GET', 'PATCH', 'DELETE'] as const) {
    const gone = await client.api(method, '/links/my-page', method === 'PATCH' ? { title: 'x' } : undefined)
    t.match(gone, { status: 404, body: { code: 'ERR_SHORTENER_LINK_NOT_FOUND' } })
  }
  const again = await client.api('POST', '/links', given)
  t.match(again, { status: 409, body: { code: 'ERR_SHORTENER_ALIAS_TAKEN', detail: 'the alias "My-Page" is taken' } })
}

const times: Check = async (t, client) => {
  const refused = async (fields: object) => {
    const answer = await client.api('POST', '/links', { url: target, ...fields })
    t.match(answer, { status: 400, body: { code: /ERR_SHORTENER_TIMES|FST_ERR_VALIDATION/ } }, JSON.stringify(fields))
  }
  for (const text of ['tomorrow', '2999-01-01', '2999-02-30T00:00:00Z', '1969-12-31T00:00:00Z', inMs(-1_000), 5])
    await refused({ expiresAt: text })
  await refused({ startsAt: '2998-01-01T00:00:00Z', expiresAt: '2997-01-01T00:00:00Z' })

  const create = async (fields: object): Promise<string> =>
    (await client.api('POST', '/links', { url: target, ...fields })).body.code
  const early = await create({ startsAt: inMs(60_000) })
  t.match(await client.follow(early), { status: 404, body: { code: 'ERR_SHORTENER_LINK_NOT_FOUND' } })
  const over = await create({ expiresAt: inMs(60_000), maxVisits: 1 })
  t.equal((await client.follow(over, {}, 'HEAD')).status, 302)
  const wrong = await client.api('PATCH', `/links/${over}`, { startsAt: inMs(120_000) })
  t.match(wrong, { status: 400, body: { code: 'ERR_SHORTENER_TIMES' } }, 'both times are looked at together')
  t.equal((await client.api('PATCH', `/links/${over}`, { expiresAt: inMs(-1) })).status, 200)
  t.match(await client.follow(over), {
    status: 410,
    headers: { 'cache-control': 'private, no-store', location: undefined },
    body: { code: 'ERR_SHORTENER_LINK_EXPIRED' },
  })
  t.equal((await client.api('GET', `/links/${over}`)).body.visitsLeft, 1, 'and it takes no visit')
}

const statuses: Check = async (t, client) => {
  const kept = {
    301: 'private, max-age=90',
    302: 'private, no-store',
    307: 'private, no-store',
    308: 'private, max-age=90',
  }
  for (const [status, expected] of Object.entries(kept)) {
    const { body } = await client.api('POST', '/links', { url: target, status: Number(status) })
    const answer = await client.follow(body.code)
    t.match(answer, { status: Number(status), headers: { location: target, 'cache-control': expected } })
  }
  const limited = await client.api('POST', '/links', { url: target, status: 301, maxVisits: 5 })
  t.equal((await client.follow(limited.body.code)).headers['cache-control'], 'private, no-store', 'each visit counts')
  const brief = await client.api('POST', '/links', { url: target, status: 301, expiresAt: inMs(30_500) })
  const [, seconds] = /max-age=(\d+)/.exec(`${(await client.follow(brief.body.code)).headers['cache-control']}`)!
  t.ok(Number(seconds) <= 30, 'not past its end')
}

const search: Check = async (t, client) => {
  const titles = ['50% off', '50 percent', 'Under_score', 'Underscore', 'Back\\slash']
  for (const title of titles)
    await client.api('POST', '/links', { url: target, title, tags: ['found', title.slice(0, 2)] })
  const found = async (query: string) => {
    const { links } = (await client.api('GET', `/links?${query}`)).body as { links: { title: string }[] }
    return links.map(({ title }) => title)
  }
  t.same(await found('search=50%25'), ['50% off'])
  t.same(await found('search=under_'), ['Under_score'])
  t.same(await found(`search=${encodeURIComponent('\\')}`), ['Back\\slash'])
  t.same(await found('tag=found&search=UNDER'), ['Underscore', 'Under_score'])
  t.same(await found('tag=50'), ['50 percent', '50% off'])
  t.same(await found('tag=none'), [])
  t.same(await found('tag=found&limit=2'), ['Back\\slash', 'Underscore'], 'the newest first')
  for (const query of [
    'limit=0',
    'limit=101',
    'limit=x',
    'limit=1.5',
    'limit=true',
    'limit=1&limit=2',
    'search=',
    'page=2',
    'cursor=',
    'cursor=nowhere',
    'search=%00',
  ]) {
    const answer = await client.api('GET', `/links?${query}`)
    t.match(answer, { status: 400, body: { code: /FST_ERR_VALIDATION|ERR_SHORTENER_CURSOR/ } }, query)
  }
}

const bulk: Check = async (t, client) => {
  const links = [
    { url: 'https://example.com/1', alias: 'bulk-one' },
    { url: 'https://example.com/2', alias: 'BULK-ONE' },
    { url: 'javascript:alert(1)' },
    { url: 'https://example.com/4', titel: 'x' },
    'https://example.com/5',
    { url: 'https://example.com/6', alias: 'docs' },
    { url: 'https://example.com/7' },
  ]
  const { status, body } = await client.api('POST', '/links/bulk', { links })
  t.equal(status, 200)
  const results = body.results as { status: number; link?: { url: string }; problem?: { code: string } }[]
  t.same(
    results.map(({ status, link, problem }) => `${status} ${link?.url ?? problem?.code}`),
    [
      '201 https://example.com/1',
      '409 ERR_SHORTENER_ALIAS_TAKEN',
      '400 ERR_SHORTENER_TARGET',
      '400 ERR_SHORTENER_LINK_ITEM',
      '400 ERR_SHORTENER_LINK_ITEM',
      '400 ERR_SHORTENER_ALIAS_RESERVED',
      '201 https://example.com/7',
    ],
  )
  const many = (count: number) => ({ links: Array.from({ length: count }, () => ({ url: target })) })
  const most = await client.api('POST', '/links/bulk', many(500))
  t.equal(new Set(most.body.results.map(({ link }: { link: { code: string } }) => link.code)).size, 500)
  for (const body of [many(501), many(0), {}, { links: {} }]) {
    t.match(await client.api('POST', '/links/bulk', body), { status: 400, body: { code: 'FST_ERR_VALIDATION' } })
  }
}

const keys: Check = async (t, client) => {
  const make = async (name: string, fields: object) => (await client.api('POST', '/keys', { name, ...fields })).body
  const reader = await make('reader', { scopes: ['read'], owner: 'team' })
  const writer = await make('writer', { scopes: ['write'], owner: 'team' })
  const stranger = await make('stranger', { scopes: ['read', 'write'], owner: 'others' })
  const { code } = (await client.api('POST', '/links', { url: target }, bearer(writer.key))).body

  const get = (key: string) => client.api('GET', `/links/${code}`, undefined, bearer(key))
  t.equal((await get(reader.key)).status, 200, 'keys of one owner share their links')
  t.equal((await get(client.key)).status, 200, 'admin sees all')
  t.match(
    await get(stranger.key),
    { status: 404, body: { code: 'ERR_SHORTENER_LINK_NOT_FOUND' } },
    'others see nothing',
  )
  for (const [method, path, body] of [
    ['PATCH', `/links/${code}`, { url: 'https://evil.example/' }],
    ['DELETE', `/links/${code}`, undefined],
    ['GET', `/links/${code}/stats`, undefined],
  ] as const) {
    t.equal((await client.api(method, path, body, bearer(stranger.key))).status, 404, `${method} ${path}`)
  }
  t.same((await client.api('GET', '/links', undefined, bearer(stranger.key))).body.links, [])
  t.equal((await client.api('GET', `/links?cursor=${code}`, undefined, bearer(stranger.key))).status, 400)
  t.equal((await client.api('GET', '/links', undefined, bearer(reader.key))).body.links.length, 1)

  const forbidden = await get(writer.key)
  t.match(forbidden, { status: 403, body: { code: 'ERR_SHORTENER_FORBIDDEN' } })
  t.equal(forbidden.headers['www-authenticate'], 'Bearer error="insufficient_scope", scope="read"')
  for (const [method, path, key] of [
    ['POST', '/links', reader.key],
    ['PATCH', `/links/${code}`, reader.key],
    ['DELETE', `/links/${code}`, reader.key],
    ['POST', '/links/bulk', reader.key],
    ['GET', '/keys', writer.key],
    ['POST', '/keys', writer.key],
    ['DELETE', `/keys/${reader.id}`, stranger.key],
  ] as const) {
    t.equal((await client.api(method, path, undefined, bearer(key))).status, 403, `${method} ${path}`)
  }

  for (const name of ['reader', 'bootstrap']) {
    const answer = await client.api('POST', '/keys', { name, scopes: ['admin'] })
    t.match(answer, { status: 409, body: { code: 'ERR_SHORTENER_KEY_NAME_TAKEN' } })
  }
  const repeated = await client.api('POST', '/keys', { name: 'x', scopes: ['read'] }, { 'idempotency-key': 'k' })
  t.match(repeated, { status: 400, body: { code: 'ERR_SHORTENER_IDEMPOTENCY_KEY' } })

  t.equal((await client.api('DELETE', `/keys/${reader.id}.5`)).status, 400)
  t.equal((await client.api('DELETE', `/keys/${reader.id}`)).status, 204)
  t.equal((await get(reader.key)).status, 401, 'revoked at once')
  t.equal((await client.api('DELETE', `/keys/${reader.id}`)).status, 404)
  const listed = (await client.api('GET', '/keys')).body.keys as { name: string; revokedAt: string | null }[]
  t.same(
    listed.map(({ name, revokedAt }) => `${name} ${revokedAt === null}`),
    ['bootstrap true', 'reader false', 'writer true', 'stranger true'],
  )
  const rows = await client.database.query<{ row: string; hash: Uint8Array }>(
    'SELECT api_keys::text AS row, hash FROM api_keys',
  )
  for (const { key } of [reader, writer, stranger, client]) {
    t.notOk(rows.some(({ row }) => row.includes(key)))
    const hash = createHash('sha256').update(key).digest('hex')
    t.ok(rows.some((row) => Buffer.from(row.hash).toString('hex') === hash))
  }
}

const exactCodes: Check = async (t, client) => {
  const { code } = (await client.api('POST', '/links', { url: target })).body as { code: string }
  const turned = code === code.toLowerCase() ? code.toUpperCase() : code.toLowerCase()
  if (turned === code) return // digits alone
  t.equal((await client.follow(code)).status, 302)
  t.equal((await client.follow(turned)).status, 404)
  t.equal((await client.api('GET', `/links/${turned}`)).status, 404)
  t.equal((await client.api('POST', '/links', { url: target, alias: turned })).status, 409, 'but nobody else gets it')
}

const browsers: Check = async (t, client) => {
  const { headers } = await client.api('GET', '/links', undefined, { origin: 'https://app.sho.rt' })
  t.match(headers, { 'access-control-allow-origin': 'https://app.sho.rt', 'x-content-type-options': 'nosniff' })
  t.match(headers['strict-transport-security'], /^max-age=\d+$/)
  const other = await client.api('GET', '/links', undefined, { origin: 'https://evil.example' })
  t.equal(other.headers['access-control-allow-origin'], undefined)
  const preflight = await client.send({
    method: 'OPTIONS',
    url: '/api/v1/links',
    headers: { origin: 'https://app.sho.rt', 'access-control-request-method': 'PATCH' },
  })
  t.match(preflight, { status: 204, headers: { 'access-control-allow-methods': 'GET, POST, PATCH, DELETE' } })
}
