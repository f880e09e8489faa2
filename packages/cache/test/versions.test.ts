import { failuresOn } from '@steadfast/testing'
import t from 'tap'

/** The newest of all on Node 20 is what the tests run on anyway. */
const versions = [
  [20, 'oldest', '5'],
  [22, '5.10', '5'],
  [24, 'latest', '6'],
  [26, 'latest', '6'],
] as const

for (const [node, fastify, ioredis] of versions) {
  t.test(`Node ${node}, Fastify ${fastify}, ioredis ${ioredis}`, async (t) => {
    for (const name of ['lifecycle', 'many']) {
      const file = new URL(`${name}.test.js`, import.meta.url)
      t.equal(await failuresOn(node, file, { FASTIFY: fastify, IOREDIS: ioredis }), '', name)
    }
  })
}
