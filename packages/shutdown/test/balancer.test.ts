import { waitFor } from '@steadfast/testing'
import t from 'tap'
import { startApp } from './app-process.js'
import { ask, Balancer } from './balancer.js'

t.test('two servers behind a balancer at 1,000 requests a second: one leaves, no request fails', async (t) => {
  const delayMs = 2_000
  const servers = await Promise.all([0, 1].map(() => startApp(t, { options: { delayMs } })))
  const [leaving, staying] = servers.map(({ addresses }) => addresses[0]!) as [string, string]
  const balancer = new Balancer([leaving, staying])
  balancer.load(1_000)
  await waitFor(() => (balancer.outcome.answers.get(leaving) ?? 0) > 500)

  const { child, reports } = servers[0]!
  child.signal('SIGTERM')
  const signalledMs = performance.now()
  const { url } = servers[0]!
  await waitFor(async () => (await fetch(url)).headers.get('connection') === 'close', { everyMs: 1 })
  t.same(await Promise.all([ask(leaving, '/readyz'), ask(leaving, '/livez')]), [503, 200], 'unready at once, and alive')
  await waitFor(() => balancer.isReady(leaving) === false)
  while (performance.now() - signalledMs < 0.8 * delayMs) {
    t.same(await Promise.all([ask(leaving, '/readyz'), ask(leaving, '/livez')]), [503, 200])
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  t.same(await child.exit, { code: 0, signal: null })
  const { failures, answers } = await balancer.stop()
  t.same(failures, [])
  t.ok(answers.get(leaving)! > 500 && answers.get(staying)! > 2_000, `answers: ${[...answers.values()]}`)
  t.match(reports(), [{ clean: true, cut: [] }])
  t.ok(reports()[0]!.delayMs >= 1_990, 'the delay was kept')
})
