import t from 'tap'
import type { Estimate } from '../src/statistics.js'
import { runBench } from './run-bench.js'

t.setTimeout(900_000) // on a machine that has much else to do

// Eight rounds are the fewest for which the margin is one that is kept 99 times in 100; and two margins are wider than one.
const args = ['--rounds', '8', '--seconds', '0.5', '--only', 'bare-again,rate-limit,fastify-metrics']

t.test('two runs agree on every ratio to within their stated margins, and bare against itself reads 1', async (t) => {
  const ratios = async (): Promise<Map<string, Estimate>> => {
    const { code, output, read } = await runBench(t, args)
    t.equal(code, 0, output)
    return new Map(read('ladder').json.results.map(({ contender, ratio }) => [contender, ratio]))
  }
  const [first, second] = [await ratios(), await ratios()]
  t.same([...first.keys()], ['bare', 'rate-limit', 'fastify-metrics', 'bare-again'])
  for (const [name, one] of first) {
    const other = second.get(name)!
    const margin = one.plusMinus! + other.plusMinus!
    t.ok(
      Math.abs(one.median - other.median) <= margin,
      `${name}: ${one.median} and ${other.median} are within ${margin}`,
    )
  }
  for (const { median, plusMinus } of [first.get('bare-again')!, second.get('bare-again')!]) {
    t.ok(Math.abs(median - 1) <= plusMinus!, `${median} is 1 to within ${plusMinus}`)
  }
  t.ok(first.get('fastify-metrics')!.median > 1.2, 'what costs more reads more')
})
