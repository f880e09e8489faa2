import t from 'tap'
import type { Queryable } from '../src/database/database.js'
import { isCode, randomCode } from '../src/links/code.js'
import { createLink } from '../src/links/repository.js'

t.test('codes: 55 letters, none that is taken for another, evenly drawn', async (t) => {
  const counts = new Map<string, number>()
  for (const letter of randomCode(110_000)) counts.set(letter, (counts.get(letter) ?? 0) + 1)
  t.equal(counts.size, 55)
  for (const letter of '01OoIil') t.notOk(counts.has(letter), letter)
  for (const [letter, count] of counts) t.ok(count > 1_700 && count < 2_300, `${letter}: ${count} of about 2,000`)
  for (const length of [7, 8]) t.ok(isCode(randomCode(length)))
  for (const text of ['', 'abc', 'abcdef', 'abcdefghj', 'abcdef0', 'abcdefO', 'abcdefo', 'abcdefi', 'abcdef-'])
    t.notOk(isCode(text))
})

t.test('a taken code is drawn again, and after three of a length a longer one', async (t) => {
  const asked: string[] = []
  const databaseWhere = (free: (code: string) => boolean): Queryable => ({
    query: async <Row extends object>(_sql: string, [code, url]: unknown[] = []) => {
      asked.push(code as string)
      return (free(code as string) ? [{ code, url, createdAt: new Date() }] : []) as Row[]
    },
  })
  const draw = (length: number) => `${length}:${asked.length}`
  const link = await createLink(
    databaseWhere((code) => code === '8:4'),
    { url: 'https://a.b/', apiKeyId: 1 },
    draw,
  )
  t.equal(link.code, '8:4')
  t.same(asked, ['7:0', '7:1', '7:2', '8:3', '8:4'])
  await t.rejects(
    createLink(
      databaseWhere(() => false),
      { url: 'https://a.b/', apiKeyId: 1 },
      draw,
    ),
    /no free code/,
  )
})
