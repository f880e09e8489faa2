import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { forkFixture } from '@steadfast/testing'
import t from 'tap'
import { median, spread } from '../src/statistics.js'

const main = new URL('../src/main.js', import.meta.url)

t.test('a short run measures every rung and writes the table and the JSON', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'bench-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const json = join(folder, 'results.json')
  const child = await forkFixture(main, { args: ['--rounds', '1', '--seconds', '0.5', '--json', json] })
  t.teardown(() => child.release())
  t.same(await child.exit, { code: 0, signal: null }, child.output())
  const { rows } = JSON.parse(readFileSync(json, 'utf8')) as {
    rows: { rung: string; cpuToBare: number; requestsPerSecond: number }[]
  }
  t.same(
    rows.map(({ rung }) => rung),
    ['bare', 'shortener'],
  )
  t.equal(rows[0]!.cpuToBare, 1)
  for (const { rung, requestsPerSecond } of rows) {
    t.ok(requestsPerSecond > 0)
    t.match(child.output(), new RegExp(`│ +'${rung}' +│ +${requestsPerSecond} +│`))
  }
})

t.test('wrong arguments are told in one line', async (t) => {
  for (const [args, message] of [
    [['--rounds', '1.5'], '--rounds must be a whole number above 0, not "1.5"\n'],
    [['--seconds', 'x'], '--seconds must be a number above 0, not "x"\n'],
    [['--only', 'bare,none'], '--only: there is no rung "none", but bare, shortener\n'],
  ] as const) {
    const child = await forkFixture(main, { args: [...args] })
    t.same(await child.exit, { code: 1, signal: null })
    t.equal(child.output(), message)
  }
})

t.test('median and spread', async (t) => {
  t.equal(median([3, 1, 2]), 2)
  t.equal(median([4, 1, 2, 3]), 2.5)
  t.equal(spread([2, 2, 2]), 0)
  t.equal(spread([1, 2, 3, 4, 5]), 1 / 3)
})
