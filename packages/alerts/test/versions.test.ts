import { failuresOn } from '@steadfast/testing'
import t from 'tap'

/** The newest Fastify on Node 20 is what the tests run on anyway. What a crash leaves depends on Node alone. */
const versions = [
  [20, 'oldest', ['rules', 'lifecycle']],
  [20, '5.10', ['rules', 'lifecycle']],
  [22, 'latest', ['rules', 'lifecycle']],
  [24, '5.10', ['rules', 'lifecycle']],
  [26, 'oldest', ['rules', 'lifecycle']],
  [26, 'latest', ['rules', 'lifecycle', 'crash']],
] as const

for (const [node, fastify, names] of versions) {
  t.test(`Node ${node}, Fastify ${fastify}: ${names.join(', ')}`, async (t) => {
    const test = async (name: string) => {
      const file = new URL(`${name}.test.js`, import.meta.url)
      t.equal(await failuresOn(node, file, { FASTIFY: fastify }), '', name)
    }
    await Promise.all(names.map(test))
  })
}
