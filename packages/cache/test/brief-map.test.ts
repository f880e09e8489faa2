import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { BriefMap } from '../src/brief-map.js'

t.test('it has what a Map has, whatever comes and goes', async (t) => {
  const [brief, map] = [new BriefMap<{ i: number }>(), new Map<string, { i: number }>()]
  for (let i = 0; i < 50_000; i++) {
    const key = `key-${(i * 7_919) % 3_001}`
    if (i % 3 === 0) {
      brief.delete(key)
      map.delete(key)
    } else {
      brief.set(key, { i })
      map.set(key, { i })
    }
    if (i % 1_000 === 0) t.same(new Map(brief.entries()), map)
    if (brief.size !== map.size) t.fail(`${brief.size} instead of ${map.size}`)
  }
  t.same(new Map(brief.entries()), map)
})

t.test('what has gone is not kept alive by what went before it', async (t) => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as (options?: { type: 'minor' }) => void
  const brief = new BriefMap<object>()
  brief.set('first', {})
  brief.delete('first')
  for (let i = 0; i < 3; i++) collect({ type: 'minor' })
  const before = process.memoryUsage().heapUsed
  const live: string[] = []
  for (let i = 0; i < 20_000; i++) {
    brief.set(`key-${i}`, new Array(100).fill(i))
    live.push(`key-${i}`)
    if (live.length > 64) brief.delete(live.shift()!)
    if (i % 200 === 0) collect({ type: 'minor' })
  }
  collect({ type: 'minor' })
  const keptBytes = process.memoryUsage().heapUsed - before
  t.ok(keptBytes < 6e6, `${keptBytes} bytes are kept of 16 MB that have gone, without collecting all of the heap`)
})
