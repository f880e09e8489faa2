import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { nodeBinary } from '@steadfast/testing'
import t from 'tap'

const run = promisify(execFile)

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
      const file = fileURLToPath(new URL(`${name}.test.js`, import.meta.url))
      const env = { PATH: process.env.PATH, FASTIFY: fastify, IOREDIS: ioredis }
      const { stdout } = await run(nodeBinary(node), [file], { env }).catch((error) => error)
      t.match(stdout, /^# \{ total: \d+, pass: \d+ \}$/m, name)
    }
  })
}
