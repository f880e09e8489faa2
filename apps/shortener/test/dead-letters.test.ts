import { startPostgres, startRedis, uniquePrefix, waitFor } from '@steadfast/testing'
import { Redis } from 'ioredis'
import pg from 'pg'
import t from 'tap'
import { encode } from '../src/clicks/encoding.js'
import { ClickQueue } from '../src/clicks/queue.js'
import { writeAll } from '../src/clicks/write-all.js'
import { databases, silent, startApp } from './client.js'
import { counted, makeLinks, sumOf } from './cluster.js'
import { migrate, startServer } from './server-process.js'

const click = (index: number, fields: object = {}) => ({
  eventId: `event-${index}`,
  linkId: 1,
  atMs: Date.now(),
  referrer: '',
  browser: 'Firefox',
  isBot: false,
  visitor: '00ff00ff00ff00ff',
  ...fields,
})

for (const [name, newDatabase] of Object.entries(databases)) {
  t.test(`without Redis, on ${name}: a click that the database refuses holds up no others`, async (t) => {
    const client = await startApp(t, await newDatabase(t))
    const { database } = client
    const queue = new ClickQueue((clicks) => writeAll(database, clicks), silent)
    t.teardown(() => queue.close())
    const bad = [17, 18, 400].map((index) => click(index, { referrer: `nul\0${index}` }))
    for (let index = 0; index < 500; index++) {
      queue.add(bad.find(({ eventId }) => eventId === `event-${index}`) ?? click(index))
    }
    await queue.drain(new AbortController().signal)
    t.match(queue.counts, { written: 497, dead: 3 })
    const [row] = await database.query<{ clicks: number }>('SELECT clicks FROM click_totals WHERE link_id = 1')
    t.equal(row?.clicks, 497)
    const { body } = await client.api('GET', '/dead-letters')
    t.match(body.deadLetters, [{ reason: /^22/ }, { reason: /^22/ }, { reason: /^22/ }])
    t.match(JSON.parse(body.deadLetters[0].payload), [1, 'event-17', 1, Number, 'nul\x0017'])
    const next = (await client.api('GET', `/dead-letters?limit=1&after=${body.deadLetters[0].id}`)).body.deadLetters
    t.same(next, [body.deadLetters[1]])
    const replay = await client.api('POST', '/dead-letters/replay', { ids: [next[0].id] })
    t.match(
      replay.body.results,
      [{ id: next[0].id, isCounted: false, reason: String }],
      'it is refused again, and stays',
    )
    t.equal((await client.api('DELETE', `/dead-letters/${next[0].id}`)).status, 204)
    t.equal((await client.api('GET', '/dead-letters')).body.deadLetters.length, 2)
  })
}

t.test('a failure that says nothing of the clicks buries none of them', async (t) => {
  const client = await startApp(t, await databases.PostgreSQL!(t))
  await client.database.query('ALTER TABLE click_hourly RENAME TO away')
  await t.rejects(writeAll(client.database, [click(1), click(2)]), { code: '42P01' })
  await client.database.query('ALTER TABLE away RENAME TO click_hourly')
  t.same(await writeAll(client.database, [click(1), click(2)]), { dead: 0 })
  t.same((await client.api('GET', '/dead-letters')).body.deadLetters, [])
})

t.test(
  'in the stream: what can’t be read or is refused becomes a dead letter, the rest is counted; a mended one is replayed once',
  async (t) => {
    const postgres = await startPostgres()
    t.teardown(() => postgres.release())
    await migrate(t, postgres.url)
    const prefix = uniquePrefix('dead')
    const { url } = await startRedis()
    const redis = new Redis(url)
    t.teardown(() => redis.disconnect())
    const server = await startServer(t, postgres.url, { REDIS_URL: url, REDIS_PREFIX: prefix })
    const [code = ''] = await makeLinks(server, 1)
    for (let index = 0; index < 50; index++) {
      if (index === 10) await redis.xadd(`${prefix}clicks`, '*', 'click', 'not even JSON')
      if (index === 20) await redis.xadd(`${prefix}clicks`, '*', 'other', 'a field that nobody knows')
      if (index === 30) await redis.xadd(`${prefix}clicks`, '*', 'click', encode(click(30, { browser: 'a\0b' })))
      if (index === 40) await redis.xadd(`${prefix}clicks`, '*', 'click', '[1,"x",-5,0,"","",false,null]')
      await redis.xadd(`${prefix}clicks`, '*', 'click', encode(click(index + 100)))
    }
    await waitFor(async () => (await redis.xlen(`${prefix}clicks`)) === 0)
    t.equal(sumOf((await counted(postgres.url)).totals), 50)
    const list = async () =>
      ((await (await server.api('GET', '/dead-letters')).json()) as { deadLetters: { id: number; payload: string }[] })
        .deadLetters
    const payloads = (await list()).map(({ payload }) => payload).sort()
    t.equal(payloads.length, 4)
    t.match(payloads.join('\n'), /not even JSON/)

    // As it were had a migration mended what was in the way.
    const client = new pg.Client({ connectionString: postgres.url })
    await client.connect()
    t.teardown(() => client.end())
    const good = Buffer.from(encode(click(7_000)))
    const [first] = await list()
    await client.query('UPDATE click_dead_letters SET payload = $2 WHERE id = $1', [first!.id, good])
    const replays = await Promise.all(
      Array.from({ length: 5 }, () => server.api('POST', '/dead-letters/replay', { ids: [first!.id] })),
    )
    const results = (await Promise.all(replays.map((replay) => replay.json()))) as {
      results: { isCounted: boolean }[]
    }[]
    t.equal(results.filter(({ results }) => results[0]!.isCounted).length, 1)
    t.equal(sumOf((await counted(postgres.url)).totals), 51)
    t.equal((await list()).length, 3)
    t.equal((await fetch(`${server.url}/${code}`, { redirect: 'manual' })).status, 302)
  },
)
