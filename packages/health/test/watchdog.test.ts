import { forkFixture, waitFor } from '@steadfast/testing'
import t from 'tap'
import { Silence } from '../src/silence.js'

const fixture = new URL('./fixtures/blocking.js', import.meta.url)

t.test('a blocked event loop is reported while it is blocked, and counted afterwards', async (t) => {
  const child = await forkFixture(fixture)
  t.teardown(() => child.release())
  const reports = () => child.reports<{ url?: string; unblocked?: number; line?: string }>()
  const url = await waitFor(() => reports().find(({ url }) => url)?.url)
  const get = async (path: string) => (await (await fetch(url + path)).json()) as Record<string, number>

  await get('/block?ms=100')
  t.equal((await get('/metrics')).health_event_loop_blocks_total, 0, 'a short block is none')
  t.equal((await get('/metrics')).health_event_loop_blocked_seconds_total, 0)
  t.equal(child.output(), '')

  const blocked = get('/block?ms=3000')
  await child.printed(/^health: the event loop of process \d+ has been blocked for (\d+) ms$/m)
  const [, ms] = /blocked for (\d+) ms/.exec(child.output()) ?? []
  t.ok(Number(ms) >= 400 && Number(ms) < 2_000, `said after ${ms} ms`)
  t.match(child.output(), `process ${child.pid} `)
  t.equal(reports().filter(({ unblocked }) => unblocked).length, 1, 'while it is blocked')
  await blocked
  const after = await get('/metrics')
  t.equal(after.health_event_loop_blocks_total, 1)
  const seconds = after.health_event_loop_blocked_seconds_total as number
  t.ok(seconds >= 2 && seconds < 15, `${seconds} s`)
  t.equal(child.output().match(/blocked/g)?.length, 1, 'one line for one block')

  await get('/close')
  t.same(await child.exit, { code: 0, signal: null }, 'the thread keeps no process alive')
})

t.test('how long the loop is silent, and who else was stopped', async (t) => {
  const silence = new Silence(400, 100)
  const look = (nowMs: number, beats: number) => silence.look(nowMs, beats)
  for (let ms = 0; ms <= 500; ms += 100) t.equal(look(ms, ms / 100), undefined)
  for (let ms = 600; ms < 900; ms += 100) t.equal(look(ms, 5), undefined, 'silent, but not for too long')
  t.same(look(900, 5), { silentMs: 400, addedMs: 400, isFirst: true })
  t.same(look(1_000, 5), { silentMs: 500, addedMs: 100, isFirst: false })
  t.equal(look(1_100, 6), undefined)
  // A process that is stopped as a whole, by SIGSTOP or with its machine, blocks nothing itself.
  t.equal(look(61_100, 6), undefined)
  t.equal(look(61_200, 6), undefined)
  t.same(look(61_300, 6), { silentMs: 400, addedMs: 400, isFirst: true }, 'but if it goes on, it is a block')
})
