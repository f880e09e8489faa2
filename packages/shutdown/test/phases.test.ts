import { forkFixture, startPostgres, startRedis, uniquePrefix } from '@steadfast/testing'
import { Redis } from 'ioredis'
import pg from 'pg'
import t from 'tap'
import type { ShutdownReport } from '../src/index.js'
import { get, rawClient } from './raw-client.js'

t.test('phases run in their order and within their budgets, and a flush can use Redis and PostgreSQL', async (t) => {
  const [server, postgres] = await Promise.all([startRedis(), startPostgres()])
  const redis = new Redis(server.url)
  const client = new pg.Client({ connectionString: postgres.url })
  t.teardown(async () => {
    await Promise.all([redis.quit(), client.end()])
    await postgres.release()
  })
  await client.connect()
  await client.query('CREATE TABLE clicks (key text)')
  const key = `${uniquePrefix()}clicks`

  const child = await forkFixture(new URL('./fixtures/phases.js', import.meta.url), {
    args: [server.url, postgres.url, key],
  })
  t.teardown(() => child.release())
  const [, address = ''] = await child.printed(/listening (.*)/)
  const inFlight = await rawClient(address)
  inFlight.send(get('/slow'))
  await child.printed(/in flight/)
  child.signal('SIGTERM')
  t.same(await child.exit, { code: 1, signal: null }, 'a hook failed: that is not clean')
  t.match(inFlight.received(), /slow$/)

  t.equal(await redis.get(key), 'written')
  t.same((await client.query('SELECT key FROM clicks')).rows, [{ key }])
  await redis.del(key)

  const all = child.reports<{ step: string; atMs: number } | ShutdownReport>()
  const steps = all.flatMap((value) => ('step' in value ? [value] : []))
  const flush = steps.slice(2, 6)
  t.same(
    [...steps.slice(0, 2), ...steps.slice(6)].map(({ step }) => step),
    ['consumers, draining', 'answer', 'onClose closes the clients', 'connections', 'logs'],
  )
  t.same(flush.map(({ step }) => step).sort(), [
    'flush, after clicks',
    'flush, after stuck',
    'flush, closed',
    'flush, work of another plugin',
  ])
  const at = (name: string) => steps.find(({ step }) => step === name)!.atMs
  t.ok(at('flush, after clicks') > at('flush, closed'))
  const stuckMs = at('flush, after stuck') - at('flush, work of another plugin')
  t.ok(stuckMs >= 390 && stuckMs < 5 * 400, `the stuck hook held up the one after it for ${stuckMs} ms`)
  t.ok(at('flush, after clicks') < at('flush, after stuck'), 'and no other')

  const [report] = all.flatMap((value) => ('clean' in value ? [value] : []))
  t.match([report?.clean, report?.deadlineReached, report?.errors], [false, false, []])
  const outcomes = report?.hooks.map(({ name, outcome, error }) => [
    name,
    error ? `${outcome}: ${error.message}` : outcome,
  ])
  t.same(Object.fromEntries(outcomes ?? []), {
    consumer: 'done',
    clicks: 'done',
    written: 'done',
    throwing: 'failed: no disk',
    stuck: 'timeout: not done within its budget of 400 ms',
    'after stuck': 'done',
    'onDrain 1': 'done',
    'the rest': 'done',
    'last lines': 'done',
  })
})
