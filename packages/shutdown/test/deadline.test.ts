import t from 'tap'
import { startApp } from './app-process.js'
import { get, rawClient } from './raw-client.js'

t.test(
  'a hung handler: exit 1 at the deadline, its drainSignal aborted before, its route and age in the report',
  async (t) => {
    const { child, addresses, reports } = await startApp(t, { options: { deadlineMs: 1_000 } })
    const client = await rawClient(addresses[0]!)
    client.send(get('/hung/7?secret=1'))
    await child.printed(/in flight/)
    const signalledMs = performance.now()
    child.signal('SIGTERM')
    t.same(await child.exit, { code: 1, signal: null })
    const tookMs = performance.now() - signalledMs
    t.ok(tookMs >= 900 && tookMs < 5 * 1_000, `exit after ${tookMs} ms`)
    t.equal(client.received(), '', 'it never got an answer')
    const [aborted, report] = child.reports<Record<string, unknown>>()
    t.match(aborted, { aborted: 'ERR_SHUTDOWN_DEADLINE' }, 'aborted before the report')
    t.match(report, { clean: false, deadlineReached: true, cut: [{ method: 'GET', route: '/hung/:id' }] })
    const [{ cut, durationMs } = { cut: [], durationMs: 0 }] = reports()
    t.ok(cut[0]!.ageMs >= 1_000 && cut[0]!.ageMs <= durationMs + 5_000, `it was ${cut[0]!.ageMs} ms old`)
    t.ok(durationMs >= 1_000 && durationMs <= 1_150, `over after ${durationMs} ms`)
    t.match(child.output(), /not clean/)
  },
)
