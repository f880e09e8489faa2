import { freePort } from '@steadfast/testing'
import t from 'tap'
import { findLoadGenerator } from '../src/ladder/load/load.js'
import { measureRung, type Rung } from '../src/ladder/measure.js'
import { path } from '../src/ladder/workload.js'

const { load } = findLoadGenerator()

function liar(lie?: string, clients = 1): Rung {
  return {
    clients,
    name: lie ?? 'honest',
    about: '',
    parts: ['cache', 'health', 'limit', 'log', 'metrics'],
    servers: [],
    async program(logFolder) {
      const port = await freePort()
      const file = new URL('./fixtures/liar.js', import.meta.url).pathname
      const args = [JSON.stringify({ port, parts: [], logFolder, lie })]
      return { file, args, url: new URL(path, `http://127.0.0.1:${port}`) }
    },
  }
}

t.test('a server that does all that it claims is measured', async (t) => {
  const figures = await measureRung(liar(), { load, seconds: 0.2, core: undefined })
  for (const [name, figure] of Object.entries(figures))
    t.ok(Number.isFinite(figure) && (figure > 0 || name === 'othersPercent'), name)
})

t.test('a server that does less than it claims is not', async (t) => {
  const lies = {
    elsewhere: /the redirect: \[302,"https:\/\/example.com\/elsewhere"/,
    cacheable: /the redirect: .*"public"/,
    'all codes': /the status of an unknown code: 302 instead of 404/,
    ill: /the health route: 503 instead of 200/,
    'no limit': /what remains of one client’s limit after its next request/,
    'one limit for all': /what remains of another client’s limit/,
    'other limit': /the limit it tells: 100 instead of/,
    'no reset': /no header tells reset of its limit/,
    'no level': /the fields that are missing in its access line: \["level"\]/,
    'few buckets': /the buckets of its histogram: 5 instead of 12/,
    'counts half':
      /the requests that its histogram counts|the part "metrics" has done its work for \d+ of \d+ requests/,
    'logs a tenth': /the part "log" has done its work for \d+ of \d+ requests/,
    'logs too much': /the part "log" has done its work for \d+ of \d+ requests/,
    'forgets hits': /the part "limit" has done its work for \d+ of \d+ requests/,
  }
  for (const [lie, message] of Object.entries(lies)) {
    await t.rejects(measureRung(liar(lie), { load, seconds: 0.2, core: undefined }), { message }, lie)
  }
})

t.test('with many clients as well', async (t) => {
  await t.resolves(measureRung(liar(undefined, 1_000), { load, seconds: 0.3, core: undefined }))
  const cheat = measureRung(liar('no limit under load', 1_000), { load, seconds: 0.3, core: undefined })
  await t.rejects(cheat, { message: /the part "limit" has done its work for \d+ of \d+ requests/ })
})

t.test('a server that breaks under load is told with how it ended and what it wrote', async (t) => {
  const faults = {
    'says yes to all': /the load got \d+ redirects and [1-9]\d* errors or other answers/,
    'answers nothing': /the load got 0 redirects and 0 errors/,
    dies: /The server ended with 3, and wrote: nothing/,
  }
  for (const [lie, message] of Object.entries(faults)) {
    await t.rejects(measureRung(liar(lie), { load, seconds: 0.2, core: undefined }), { message }, lie)
  }
})

t.test('a server that does not start is told with what it wrote', async (t) => {
  const broken: Rung = {
    ...liar(),
    program: async () => ({ file: '/no/such/file.js', url: new URL('http://127.0.0.1:1') }),
  }
  await t.rejects(measureRung(broken, { load, seconds: 0.2, core: undefined }), { message: /Cannot find module/ })
})
