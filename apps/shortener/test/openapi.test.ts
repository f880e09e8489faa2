import t from 'tap'
import { Compile } from 'typebox/compile'
import { bury } from '../src/clicks/dead-letters/repository.js'
import type { Database } from '../src/database/database.js'
import { DatabaseUnavailableError } from '../src/errors.js'
import { type Answer, type Client, databases, type Method, startApp } from './client.js'

interface Document {
  openapi: string
  paths: Record<string, Record<string, { operationId?: string; responses: Record<string, Documented> }>>
  components: { schemas: Record<string, object> }
}
interface Documented {
  content?: Record<string, { schema: { $ref?: string } }>
}

const target = 'https://example.com/'
let isAway = false

/** A database that says it is away, while it is. */
function switched(database: Database): Database {
  const unlessAway = <T>(work: () => Promise<T>) => (isAway ? Promise.reject(new DatabaseUnavailableError()) : work())
  return {
    ...database,
    query: (sql, values) => unlessAway(() => database.query(sql, values)),
    transaction: (work) => unlessAway(() => database.transaction(work)),
  }
}

const client = await startApp(t, await databases.PostgreSQL!(t), { wrap: switched })
const document = (await client.send({ method: 'GET', url: '/docs/json' })).body as Document
client.answers.length = 0

t.test('the document is OpenAPI 3.1, and has every route of the API', async (t) => {
  t.equal(document.openapi, '3.1.0')
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  )
  t.same(operations.sort(), [
    'DELETE /api/v1/dead-letters/{id}',
    'DELETE /api/v1/keys/{id}',
    'DELETE /api/v1/links/{code}',
    'GET /api/v1/dead-letters',
    'GET /api/v1/keys',
    'GET /api/v1/links',
    'GET /api/v1/links/{code}',
    'GET /api/v1/links/{code}/stats',
    'GET /{code}',
    'PATCH /api/v1/links/{code}',
    'POST /api/v1/dead-letters/replay',
    'POST /api/v1/keys',
    'POST /api/v1/links',
    'POST /api/v1/links/bulk',
  ])
  const ids = Object.values(document.paths).flatMap((methods) => Object.values(methods).map((one) => one.operationId))
  t.equal(new Set(ids).size, operations.length, 'each has a name of its own, for generated clients')
})

t.test('the pages at /docs come from here, and run nothing else', async (t) => {
  const page = await client.send({ method: 'GET', url: '/docs' })
  t.equal(page.status, 200)
  t.match(page.headers['content-type'], 'text/html')
  t.match(page.headers['content-security-policy'], /default-src 'self'/)
  t.notMatch(page.headers['content-security-policy'], /unsafe-(inline|eval)'[^;]*;? *script|script-src[^;]*unsafe/)
  const scripts = [...`${page.body}`.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, address = '']) => address)
  t.ok(scripts.length > 2)
  for (const address of scripts) {
    const { pathname, origin } = new URL(address, 'https://sho.rt/docs')
    t.equal(origin, 'https://sho.rt', address)
    t.equal((await client.app.inject(pathname)).statusCode, 200, address)
  }
  client.answers.length = 0
})

/** Every request that it takes to get every answer, with a link, an alias and keys of each scope. */
async function exercise(client: Client): Promise<void> {
  await bury(client.database, 'no click', 'for the test')
  const keyOf = async (name: string, scopes: string[]) =>
    `Bearer ${(await client.api('POST', '/keys', { name, scopes })).body.key}`
  const reader = { authorization: await keyOf('reader', ['read']) }
  const writer = { authorization: await keyOf('writer', ['write']) }
  const link = async (fields: object): Promise<string> =>
    (await client.api('POST', '/links', { url: target, ...fields })).body.code
  const code = await link({ alias: 'documented', title: 'A title', tags: ['a'], expiresAt: '2999-01-01T00:00:00Z' })
  const text = { 'content-type': 'text/plain' }

  const once = { 'idempotency-key': 'once' }
  for (const [path, body, tooLong] of [
    ['/links', { url: target }, 20_000],
    ['/links/bulk', { links: [{ url: target }, { url: 'x' }, {}, { url: target, alias: code }] }, 2_200_000],
    ['/keys', { name: 'other', scopes: ['read', 'write'] }, 20_000],
    ['/dead-letters/replay', { ids: [1, 2] }, 20_000],
  ] as const) {
    await client.api('POST', path, body)
    await client.api('POST', path, {})
    await client.api('POST', path, body, reader)
    await client.api('POST', path, { url: 'x'.repeat(tooLong) })
    await client.api('POST', path, 'text', text)
    if (path === '/keys' || path === '/dead-letters/replay') continue
    await client.api('POST', path, body, once)
    await client.api('POST', path, { ...body, title: 'Another', links: [{ url: `${target}2` }] }, once)
    await client.api(
      'POST',
      path,
      path === '/links' ? { url: target, title: 'x' } : { links: [{ url: `${target}3` }] },
      once,
    )
  }
  await client.api('POST', '/links', { url: target, alias: code })
  await client.api('POST', '/keys', { name: 'reader', scopes: ['read'] })

  await client.api('GET', '/links')
  await client.api('GET', '/links?limit=0')
  await client.api('GET', '/links', undefined, writer)
  await client.api('GET', '/keys')
  await client.api('GET', '/keys', undefined, writer)
  await client.api('GET', `/links/${code}/stats?from=2026-13-01`)
  for (const path of [`/links/${code}`, `/links/${code}/stats`, '/links/none', '/links/none/stats']) {
    await client.api('GET', path)
    await client.api('GET', path, undefined, writer)
  }
  await client.api('PATCH', `/links/${code}`, { title: null })
  await client.api('PATCH', '/links/none', { title: null })
  await client.api('PATCH', `/links/${code}`, { title: null }, reader)
  await client.api('PATCH', `/links/${code}`, {})
  await client.api('PATCH', `/links/${code}`, 'text', text)
  await client.api('PATCH', `/links/${code}`, { title: 'x'.repeat(20_000) })

  for (const status of [301, 302, 307, 308]) await client.follow(await link({ status }))
  await client.follow('none')
  const brief = await link({ maxVisits: 1 })
  await client.follow(brief)
  await client.follow(brief)

  await client.api('DELETE', `/links/${code}`, undefined, reader)
  await client.api('DELETE', `/links/${code}`)
  await client.api('DELETE', `/links/${code}`)
  await client.api('GET', '/dead-letters?limit=10&after=0')
  await client.api('GET', '/dead-letters?limit=0')
  await client.api('GET', '/dead-letters', undefined, reader)
  for (const id of [1, 1, 'x']) await client.api('DELETE', `/dead-letters/${id}`)
  await client.api('DELETE', '/dead-letters/2', undefined, reader)

  await client.api('DELETE', '/keys/1', undefined, reader)
  await client.api('DELETE', '/keys/x')
  await client.api('DELETE', '/keys/999')
  await client.api('DELETE', `/keys/${(await client.api('GET', '/keys')).body.keys.at(-1).id}`)

  const all: [Method, string][] = [
    ['POST', '/links'],
    ['POST', '/links/bulk'],
    ['POST', '/keys'],
    ['GET', '/links'],
    ['GET', '/keys'],
    ['GET', '/links/none'],
    ['GET', '/links/none/stats'],
    ['PATCH', '/links/none'],
    ['DELETE', '/links/none'],
    ['DELETE', '/keys/1'],
    ['GET', '/dead-letters'],
    ['POST', '/dead-letters/replay'],
    ['DELETE', '/dead-letters/1'],
  ]
  for (const [method, path] of all) await client.api(method, path, undefined, { authorization: '' })
  isAway = true
  for (const [method, path] of all) await client.api(method, path)
  await client.follow('never-asked') // of what was, it is known that there is none
  isAway = false
}

/** What is documented of a request to this address. */
function operationOf(method: Method, url: string): [name: string, responses: Record<string, Documented>] {
  const { pathname } = new URL(url, 'https://sho.rt')
  const exact = Object.entries(document.paths).find(([path]) => path === pathname)
  const templated = Object.entries(document.paths).find(([path]) =>
    new RegExp(`^${path.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(pathname),
  )
  const isOfExact = exact?.[1][method.toLowerCase()]
  const [path, methods] = (isOfExact ? exact : templated)!
  return [`${method} ${path}`, methods[method.toLowerCase()]!.responses]
}

/** Why an answer is not as documented; empty if it is. */
function faultOf(answer: Answer, documented: Documented | undefined): string {
  if (!documented) return 'the status is not documented'
  if (!documented.content) return answer.body === '' ? '' : 'there is a body'
  const type = `${answer.headers['content-type']}`.split(';')[0]!
  const schema = documented.content[type]?.schema
  if (!schema) return `the type ${type} is not documented`
  const check = Compile(document.components.schemas, resolved(schema) as object)
  const errors = check.Errors(answer.body)
  return errors.map((error) => `${error.instancePath} ${error.message}`).join(', ')
}

/** A schema with what it refers to in its place. */
function resolved(schema: { $ref?: string }): object {
  return schema.$ref ? document.components.schemas[schema.$ref.split('/').at(-1)!]! : schema
}

t.test('every documented response is produced, matches its schema, and there are no others', async (t) => {
  await exercise(client)
  const produced = new Set<string>()
  for (const answer of client.answers) {
    const [name, responses] = operationOf(answer.method, answer.url)
    produced.add(`${name} ${answer.status}`)
    t.equal(faultOf(answer, responses[answer.status]), '', `${name} ${answer.status}: ${JSON.stringify(answer.body)}`)
    if (answer.status >= 400) t.equal(answer.body.status, answer.status)
  }
  const documented = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, { responses }]) =>
      Object.keys(responses).map((status) => `${method.toUpperCase()} ${path} ${status}`),
    ),
  )
  t.same([...produced].sort(), documented.sort())
})
