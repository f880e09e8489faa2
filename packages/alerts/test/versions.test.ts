import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { nodeBinary } from '@steadfast/testing'
import t from 'tap'

const run = promisify(execFile)

/** The newest Fastify on Node 20 is what the tests run on anyway. */
const versions = [
  [20, 'oldest'],
  [20, '5.10'],
  [22, 'latest'],
  [24, '5.10'],
  [26, 'oldest'],
  [26, 'latest'],
] as const

for (const [node, fastify] of versions) {
  t.test(`Node ${node}, Fastify ${fastify}: rules on requests, the life of an app, what is left by a crash`, async (t) => {
    for (const name of ['rules', 'lifecycle', 'crash']) {
      const file = fileURLToPath(new URL(`${name}.test.js`, import.meta.url))
      const env = { PATH: process.env.PATH, FASTIFY: fastify }
      const { stdout } = await run(nodeBinary(node), [file], { env, maxBuffer: 16e6 }).catch((error) => error)
      t.match(stdout, /^# \{ total: \d+, pass: \d+ \}$/m, name)
    }
  })
}
