import t from 'tap'
import type { Queryable } from '../src/database/database.js'
import { isCode, randomCode } from '../src/links/code.js'
import { createLinks } from '../src/links/repository.js'

t.test('codes: 55 letters, none that is taken for another, evenly drawn', async (t) => {
  const counts = new Map<string, number>()
  for (const letter of randomCode(110_000)) counts.set(letter, (counts.get(letter) ?? 0) + 1)
  t.equal(counts.size, 55)
  for (const letter of '01OoIil') t.notOk(counts.has(letter), letter)
  for (const [letter, count] of counts) t.ok(count > 1_700 && count < 2_300, `${letter}: ${count} of about 2,000`)
  for (const length of [7, 8]) t.ok(isCode(randomCode(length)))
  for (const text of ['abc', 'Spring-Sale_2026', '0-1', 'a'.repeat(64)]) t.ok(isCode(text), text)
  for (const text of ['', 'ab', '-abc', '_abc', 'a.b', 'a b', 'a/b', 'äbc', 'abc\n', 'abc\0', 'a'.repeat(65)])
    t.notOk(isCode(text), text)
})

const access = { apiKeyId: 1, owner: 'default', isAdmin: false }
const fields = {
  url: 'https://a.b/',
  status: 302,
  title: null,
  tags: [],
  startsAt: null,
  expiresAt: null,
  maxVisits: null,
}

/** A database that has room for some codes, and what codes it was asked for. */
function databaseWhere(free: (code: string) => boolean): { database: Queryable; asked: string[] } {
  const asked: string[] = []
  const query = async <Row extends object>(_sql: string, [rows]: unknown[] = []) => {
    const codes = (JSON.parse(rows as string) as { code: string }[]).map(({ code }) => code)
    asked.push(...codes)
    return codes.filter(free).map((code) => ({ code })) as Row[]
  }
  return { database: { query }, asked }
}

t.test('a taken code is drawn again, and after three of a length a longer one', async (t) => {
  const one = databaseWhere((code) => code === '8:4')
  const [link] = await createLinks(one.database, access, [fields], (length) => `${length}:${one.asked.length}`)
  t.equal(link?.code, '8:4')
  t.same(one.asked, ['7:0', '7:1', '7:2', '8:3', '8:4'])
  const none = databaseWhere(() => false)
  await t.rejects(createLinks(none.database, access, [fields]), /no free code/)
})

t.test('a taken alias is not tried again, and two of one alias are not both made', async (t) => {
  const { database, asked } = databaseWhere((code) => code !== 'taken')
  const links = ['One', 'taken', 'one', 'two'].map((alias) => ({ ...fields, alias }))
  const codes = (await createLinks(database, access, links)).map((link) => link?.code)
  t.same(codes, ['One', undefined, undefined, 'two'])
  t.same(asked, ['One', 'taken', 'two'])
})
