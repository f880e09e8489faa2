import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import t from 'tap'
import { databases, startApp } from './client.js'

const root = resolve(import.meta.dirname, '../../../..')

t.test('every code has its section in docs/error-codes.md, and none is described that is not there', async (t) => {
  const folder = join(root, 'apps/shortener/src')
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
  const source = files.map((file) => readFileSync(join(folder, file), 'utf8')).join('\n')
  const used = new Set([...source.matchAll(/'(ERR_SHORTENER_[A-Z_]*[A-Z])'/g)].map(([, code]) => code))
  const text = readFileSync(join(root, 'docs/error-codes.md'), 'utf8')
  const described = [...text.matchAll(/^### (ERR_SHORTENER_[A-Z_]+)$/gm)].map(([, code]) => code)
  t.ok(used.size > 25)
  t.same(described.toSorted(), [...used].toSorted())
})

t.test('what no route answers is a problem too', async (t) => {
  const client = await startApp(t, await databases.PostgreSQL!(t))
  const expected = {
    '/a/b': [404, 'ERR_SHORTENER_NOT_FOUND'],
    '/api/v1/nothing': [404, 'ERR_SHORTENER_NOT_FOUND'],
    '/docs/static/nothing': [404, 'ERR_SHORTENER_NOT_FOUND'],
    '/%zz': [400, 'FST_ERR_BAD_URL'],
  } as const
  for (const [url, [status, code]] of Object.entries(expected)) {
    const { body, headers } = await client.send({ method: 'GET', url })
    t.match(body, { status, code, type: 'about:blank' }, url)
    t.match(headers['content-type'], 'application/problem+json')
  }
  t.match(await client.api('PUT', '/links', {}), {
    status: 404,
    body: { detail: 'there is nothing at PUT /api/v1/links' },
  })
})
