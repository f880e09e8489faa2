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
