import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { nodeBinary } from '@steadfast/testing'
import t from 'tap'

const run = promisify(execFile)

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
      const file = fileURLToPath(new URL(`${name}.test.js`, import.meta.url))
      const env = { PATH: process.env.PATH, FASTIFY: fastify }
      const { stdout } = await run(nodeBinary(node), [file], { env }).catch((error) => error)
      t.match(stdout, /^# \{ total: \d+, pass: \d+ \}$/m, name)
    }
  })
}
