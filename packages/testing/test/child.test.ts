import t from 'tap'
import { forkFixture, isAlive, report, startChild } from '../src/index.js'

const talker = new URL('./fixtures/talker.js', import.meta.url)

t.test('a fixture’s output, reports, arguments and end reach the test', async (t) => {
  const child = await forkFixture(talker, { args: ['one'], env: { GREETING: 'hello', HOME: undefined } })
  const [, pid] = await child.printed(/ready (\d+)/)
  t.equal(Number(pid), child.pid)
  t.match(child.output(), 'to standard error')
  child.signal('SIGTERM')
  t.same(await child.exit, { code: 7, signal: null })
  t.same(child.reports(), [{ args: ['one'], greeting: 'hello', home: null }, { got: 'SIGTERM' }])
  await t.rejects(child.printed(/never/), /ended before it print.*never.*ready/s)
})

t.test('reports outlive a kill', async (t) => {
  const child = await forkFixture(talker)
  await child.printed(/ready/)
  await t.rejects(child.printed(/never/, 50), /did not, in 50 ms, print.*ready/s)
  child.signal('SIGKILL')
  t.same(await child.exit, { code: null, signal: 'SIGKILL' })
  t.equal(child.reports().length, 1)
})

t.test('a signal reaches a whole group, as Ctrl-C does', async (t) => {
  const child = await startChild('sh', ['-c', `"${process.execPath}" "${talker.pathname}"; echo status $?`], {
    group: true,
  })
  const [, pid] = await child.printed(/ready (\d+)/)
  child.signal('SIGINT')
  await child.exit
  t.notOk(isAlive(Number(pid)))
  t.same(child.reports().at(-1), { got: 'SIGINT' })
})

t.test('a message channel is there if asked for', async (t) => {
  const child = await forkFixture(talker, { ipc: true })
  await child.printed(/ready/)
  child.process.send('leave')
  t.same(await child.exit, { code: 3, signal: null })
})

t.test('misuse is told', async (t) => {
  await t.rejects(startChild('/no/such/program', []), { code: 'ENOENT' })
  t.throws(() => report('outside'), /STEADFAST_TEST_REPORT is not set/)
})
