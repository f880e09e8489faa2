import t from 'tap'
import { withMargin } from '../src/report/table.js'
import { estimate, median } from '../src/statistics.js'

const upTo = (n: number) => Array.from({ length: n }, (_, index) => index + 1)

t.test('the median', async (t) => {
  t.equal(median([3, 1, 2]), 2)
  t.equal(median([4, 1, 2, 3]), 2.5)
})

t.test('the margin holds all values until there are rounds enough for 99 in 100, then fewer', async (t) => {
  t.same(estimate([7]), { median: 7 })
  t.same(estimate([1, 3]), { median: 2, plusMinus: 1 })
  t.same(estimate(upTo(8)), { median: 4.5, plusMinus: 3.5 }, 'all of eight: 1 - 2/256')
  t.same(estimate(upTo(11)), { median: 6, plusMinus: 5 }, 'without the outermost of eleven: 1 - 24/2048 is too little')
  t.same(estimate(upTo(12)), { median: 6.5, plusMinus: 4.5 }, 'without the outermost of twelve: 1 - 26/4096')
  t.same(estimate(upTo(31)), { median: 16, plusMinus: 8 }, 'the 8th to the 24th of 31')
})

t.test('the margin holds the true median as often as it says', async (t) => {
  let seed = 1
  const random = () => {
    seed = (seed * 48_271) % 2_147_483_647
    return seed / 2_147_483_647
  }
  const runs = 10_000
  let held = 0
  for (let run = 0; run < runs; run++) {
    // Far from a bell, as times are: its median is 1/4.
    const { median, plusMinus } = estimate(Array.from({ length: 12 }, () => random() ** 2))
    if (Math.abs(median - 0.25) <= plusMinus!) held++
  }
  t.ok(held / runs >= 0.99, `${held} of ${runs}`)
})

t.test('as text', async (t) => {
  t.equal(withMargin({ median: 1.514, plusMinus: 0.031 }), '1.51 ± 0.03')
  t.equal(withMargin({ median: 1.514 }), '1.51')
})
