import { failuresOn } from '@steadfast/testing'
import t from 'tap'

/** How a request ends is read from what Node and Fastify do; the newest Fastify on Node 20 is what the tests run on anyway. */
const versions = [
  [20, 'oldest'],
  [26, 'oldest'],
  [22, 'latest'],
  [24, 'latest'],
  [26, 'latest'],
] as const

for (const [node, fastify] of versions) {
  t.test(`Node ${node}, Fastify ${fastify}: every request counted once, however it ends`, async (t) => {
    for (const name of ['aborts', 'broken-off']) {
      const file = new URL(`${name}.test.js`, import.meta.url)
      t.equal(await failuresOn(node, file, { FASTIFY: fastify }), '', name)
    }
  })
}
