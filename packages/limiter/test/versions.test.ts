import { failuresOn } from '@steadfast/testing'
import t from 'tap'

/** The newest Fastify on Node 20 is what the tests run on anyway. */
const versions = [
  [20, 'oldest'],
  [20, '5.10'],
  [22, 'latest'],
  [24, '5.10'],
  [24, 'latest'],
  [26, 'oldest'],
  [26, 'latest'],
] as const

for (const [node, fastify] of versions) {
  t.test(`Node ${node}, Fastify ${fastify}: requests are limited, told and refused as elsewhere`, async (t) => {
    for (const name of ['routes', 'headers', 'settle']) {
      const file = new URL(`${name}.test.js`, import.meta.url)
      t.equal(await failuresOn(node, file, { FASTIFY: fastify }), '', name)
    }
  })
}
