import t from 'tap'
import { forkFixture, isAlive, report, startChild, waitFor } from '../src/index.js'

const talker = new URL('./fixtures/talker.js', import.meta.url)

t.test('a fixture’s output, reports, arguments and end reach the test', async (t) => {
  const child = await forkFixture(talker, { args: ['one'], env: { GREETING: 'hello', HOME: undefined } })
  const [, pid] = await child.printed(/ready (\d+)/)
  t.equal(Number(pid), child.pid)
  t.match(child.output(), 'to standard error')
  child.signal('SIGTERM')
  t.same(await child.exit, { code: 7, signal: null })
  t.same(child.reports(), [{ args: ['one'], greeting: 'hello', home: null, loaders: null }, { got: 'SIGTERM' }])
  await t.rejects(child.printed(/never/), /ended before it print.*never.*ready/s)
})

t.test('reports outlive a kill', async (t) => {
  const child = await forkFixture(talker, { env: { NODE_OPTIONS: '--no-warnings' } })
  await child.printed(/ready/)
  await t.rejects(child.printed(/never/, 50), /did not, in 50 ms, print.*ready/s)
  await child.release()
  t.same(await child.exit, { code: null, signal: 'SIGKILL' })
  await child.release()
  t.match(child.reports(), [{ loaders: '--no-warnings' }])
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

t.test('release ends a whole group, and does not wait for who holds the output', async (t) => {
  const headed = await startChild('sh', ['-c', 'sleep 300 & echo "started $!"'], { group: true })
  const [, inGroup] = await headed.printed(/started (\d+)/g)
  await waitFor(() => !isAlive(headed.pid))
  await headed.release()
  t.notOk(isAlive(Number(inGroup)), 'the process whose head had ended is gone')

  const alone = await startChild('sh', ['-c', 'sleep 300 & echo "started $!"; wait'])
  const [, orphan] = await alone.printed(/started (\d+)/)
  t.teardown(() => process.kill(Number(orphan), 'SIGKILL'))
  await alone.release()
  t.match(await alone.exit, { signal: 'SIGKILL' })
  alone.signal('SIGTERM')
})

t.test('misuse is told', async (t) => {
  const missing = await startChild('/no/such/program', [])
  t.equal((await missing.exit).code, 127)
  t.match(missing.output(), '/no/such/program')
  t.throws(() => report('outside'), /STEADFAST_TEST_REPORT is not set/)
})
