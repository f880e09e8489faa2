import { findTestTool } from '@steadfast/testing'
import t from 'tap'
import { measureSpans } from '../src/spans/spans.js'
import { liar } from './liar.js'
import { runBench } from './run-bench.js'

t.setTimeout(300_000)

const round = { seconds: 0.1, core: undefined }

t.test('each server is measured in turns with one of the first, and its answers are right', async (t) => {
  await findTestTool('wrk')
  const args = ['spans', '--only', 'rate-limit-redis', '--rounds', '1', '--seconds', '0.2']
  const { code, output, read } = await runBench(t, args)
  t.equal(code, 0, output)
  const [bare, limited] = read('spans').json.results
  t.same([bare?.contender, limited?.contender], ['bare', 'rate-limit-redis'])
  for (const { rounds } of [bare!, limited!]) {
    t.equal(rounds.length, 1)
    for (const { cpuMicros, ratio } of rounds) t.ok(cpuMicros! > 1 && ratio! > 0.1, `${cpuMicros} and ${ratio}`)
  }
  t.ok(limited!.ratio.median > bare!.ratio.median, 'a limit in Redis costs more than none')
})

t.test('a server that ends, that answers nothing, or that does less than it claims is told', async (t) => {
  await t.rejects(measureSpans(liar('dies'), round), { message: /^The server ended with 3/ })
  await t.rejects(measureSpans(liar('answers nothing'), round), { message: /no request came|answers/ })
  await t.rejects(measureSpans(liar('ill'), round), { message: /the health route: 503/ })
  await t.rejects(measureSpans(liar('logs a tenth'), round), { message: /the part "log" has done its work for/ })
})
