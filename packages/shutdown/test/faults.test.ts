import { waitFor } from '@steadfast/testing'
import t from 'tap'
import { startApp } from './app-process.js'
import { get, rawClient } from './raw-client.js'

t.test('an uncaught exception: a fatal line, the neighbour gets its answer, exit 1', async (t) => {
  for (const hasLog of [true, false]) {
    const { child, addresses, reports } = await startApp(t, { hasLog })
    const neighbour = await rawClient(addresses[0]!)
    neighbour.send(get('/slow'))
    await child.printed(/in flight/)
    await fetch(`http://${addresses[0]}/throw`)
    t.same(await child.exit, { code: 1, signal: null })
    t.match(
      child.output(),
      hasLog ? /"level":60,.*thrown by nobody’s request/ : /^fatal: uncaughtException: .*thrown by/m,
    )
    t.equal(await neighbour.closed, 'end')
    t.match(neighbour.received(), /^HTTP\/1.1 200 .*connection: close.*slow$/is)
    t.match(reports(), [
      { reason: 'uncaughtException', clean: false, cut: [], errors: [{ message: 'thrown by nobody’s request' }] },
    ])
  }
})

t.test('onUncaught exit: the fatal line, and exit 1 at once', async (t) => {
  const { child, addresses, reports } = await startApp(t, { options: { onUncaught: 'exit' } })
  const neighbour = await rawClient(addresses[0]!)
  neighbour.send(get('/slow'))
  await child.printed(/in flight/)
  fetch(`http://${addresses[0]}/throw`).catch(() => {})
  t.same(await child.exit, { code: 1, signal: null })
  t.match(child.output(), /"level":60,.*thrown by nobody’s request/)
  t.equal(neighbour.received(), '')
  t.same(reports(), [])
})

t.test('a second signal forces the end at once', async (t) => {
  const { child, addresses, reports } = await startApp(t)
  const client = await rawClient(addresses[0]!)
  client.send(get('/hung/1'))
  await child.printed(/in flight/)
  child.signal('SIGTERM')
  await child.printed(/state draining/)
  const secondMs = performance.now()
  child.signal('SIGINT')
  t.same(await child.exit, { code: 1, signal: null })
  t.ok(performance.now() - secondMs < 5 * 100, 'without waiting for the deadline')
  t.match(child.output(), /a second signal, SIGINT: exit at once/)
  t.same(reports(), [])
})

t.test('or it is ignored', async (t) => {
  const { child, addresses, reports } = await startApp(t, { options: { secondSignal: 'ignore' } })
  const client = await rawClient(addresses[0]!)
  client.send(get('/slow'))
  await child.printed(/in flight/)
  child.signal('SIGTERM')
  await child.printed(/state draining/)
  child.signal('SIGTERM')
  await child.printed(/the shutdown goes on/)
  t.same(await child.exit, { code: 0, signal: null })
  t.match(client.received(), /slow$/)
  t.match(reports(), [{ clean: true }])
})

t.test('a rejection or an exception during the drain is reported, and does not cut it', async (t) => {
  for (const path of ['/reject', '/throw']) {
    const { child, addresses, reports } = await startApp(t, { options: { delayMs: 400 } })
    const client = await rawClient(addresses[0]!)
    client.send(get('/slow'))
    await child.printed(/in flight/)
    child.signal('SIGTERM')
    await child.printed(/state draining/)
    t.equal((await fetch(`http://${addresses[0]}${path}`)).status, 200)
    t.same(await child.exit, { code: 1, signal: null })
    t.match(client.received(), /^HTTP\/1.1 200 .*slow$/is)
    t.match(reports(), [{ reason: 'SIGTERM', clean: false, cut: [], errors: [{ message: /by nobody’s request/ }] }])
  }
})

t.test('a rejection begins the drain, or is logged alone', async (t) => {
  const drained = await startApp(t)
  await fetch(`${drained.url}/reject`)
  t.same(await drained.child.exit, { code: 1, signal: null })
  t.match(drained.reports(), [{ reason: 'unhandledRejection', errors: [{ message: 'rejected by nobody’s request' }] }])

  const logged = await startApp(t, { options: { onRejection: 'log' } })
  await fetch(`${logged.url}/reject`)
  await logged.child.printed(/"level":50,.*rejected by nobody’s request/)
  t.equal((await fetch(logged.url)).status, 200, 'it still serves')
  logged.child.signal('SIGTERM')
  t.same(await logged.child.exit, { code: 0, signal: null })
  t.match(logged.reports(), [{ clean: true, errors: [] }])
})

t.test('SIGHUP and SIGUSR2 stay free: nothing of ours handles them', async (t) => {
  for (const signal of ['SIGHUP', 'SIGUSR2'] as const) {
    const { child, reports } = await startApp(t)
    child.signal(signal)
    t.same(await child.exit, { code: null, signal })
    t.same(reports(), [])
  }
})

t.test('signals are what the app names', async (t) => {
  const { child, reports } = await startApp(t, { options: { signals: ['SIGUSR2'] } })
  child.signal('SIGUSR2')
  t.same(await child.exit, { code: 0, signal: null })
  await waitFor(() => reports()[0]?.reason === 'SIGUSR2')
})
