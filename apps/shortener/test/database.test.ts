import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mountDisk, startPostgres } from '@steadfast/testing'
import { pino } from 'pino'
import t from 'tap'
import type { Database } from '../src/database/database.js'
import { openPglite } from '../src/database/pglite.js'
import { openPostgres } from '../src/database/postgres.js'

const silent = pino({ level: 'silent' })
const folder = mkdtempSync(join(tmpdir(), 'pglite-'))
const postgres = await startPostgres()
t.teardown(async () => {
  rmSync(folder, { recursive: true })
  await postgres.release()
})

const databases: Record<string, () => Promise<Database>> = {
  PostgreSQL: async () => openPostgres(postgres.url, silent),
  PGlite: () => openPglite(folder),
}

for (const [name, open] of Object.entries(databases)) {
  t.test(`${name}: the contract of a database`, async (t) => {
    const database = await open()
    t.teardown(() => database.close())

    const [row] = await database.query(
      `SELECT 1::int8 AS int8, $1::text AS text, '2026-01-02T03:04:05.678Z'::timestamptz AS time, '\\x01ff'::bytea AS bytes`,
      ['x'],
    )
    t.match(row, { int8: 1, text: 'x', time: new Date('2026-01-02T03:04:05.678Z') })
    t.same([...(row as { bytes: Uint8Array }).bytes], [1, 255])
    t.same(await database.query('SELECT 1 WHERE false'), [])
    await t.rejects(database.query('SELEC'), { code: '42601' })

    t.same(await database.migrate(), ['0001_links-and-keys', '0002_api', '0003_clicks', '0004_composition'])
    t.same(await database.migrate(), [])

    await database.query('CREATE TABLE numbers (n int PRIMARY KEY)')
    const numbers = async () =>
      (await database.query<{ n: number }>('SELECT n FROM numbers ORDER BY n')).map(({ n }) => n)
    const result = await database.transaction(async (transaction) => {
      await transaction.query('INSERT INTO numbers VALUES (1)')
      await transaction.query('INSERT INTO numbers VALUES (2)')
      return 'done'
    })
    t.equal(result, 'done')
    await t.rejects(
      database.transaction(async (transaction) => {
        await transaction.query('INSERT INTO numbers VALUES (3)')
        throw new Error('changed my mind')
      }),
      /changed my mind/,
    )
    await t.rejects(
      database.transaction(async (transaction) => {
        await transaction.query('INSERT INTO numbers VALUES (4)')
        await transaction.query('INSERT INTO numbers VALUES (1)')
      }),
      { code: '23505' },
    )
    t.same(await numbers(), [1, 2], 'what failed left nothing')

    // A second transaction that starts while the first is open must not become part of it.
    let inside = () => {}
    const isInside = new Promise<void>((resolve) => {
      inside = resolve
    })
    const failing = database.transaction(async (transaction) => {
      await transaction.query('INSERT INTO numbers VALUES (5)')
      inside()
      await new Promise(setImmediate)
      throw new Error('rolled back')
    })
    await isInside
    await Promise.all([t.rejects(failing, /rolled back/), database.query('INSERT INTO numbers VALUES (6)')])
    t.same(await numbers(), [1, 2, 6])
  })
}

t.test('PGlite: what is stored outlives a close, and a folder that can’t be used is told', async (t) => {
  const path = join(folder, 'kept')
  const database = await openPglite(path)
  t.equal(database.address, path)
  await t.rejects(openPglite(path), { code: 'ERR_SHORTENER_DATABASE_IN_USE' })
  await database.query('CREATE TABLE kept AS SELECT 7 AS n')
  await database.close()
  const again = await openPglite(path)
  t.same(await again.query('SELECT n FROM kept'), [{ n: 7 }])
  await again.close()

  writeFileSync(join(folder, 'file'), '')
  const disk = await mountDisk()
  disk.fill()
  mkdirSync(join(folder, 'corrupt/data'), { recursive: true })
  writeFileSync(join(folder, 'corrupt/data/PG_VERSION'), 'junk')
  for (const path of [join(folder, 'file'), join(disk.path, 'full'), join(folder, 'corrupt')]) {
    await t.rejects(openPglite(path), { code: 'ERR_SHORTENER_DATABASE_FOLDER', message: path }, path)
  }
  await disk.release()
})
