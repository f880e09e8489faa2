import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { nodeBinary } from '@steadfast/testing'
import t from 'tap'

const run = promisify(execFile)

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
  t.test(`Node ${node}, Fastify ${fastify}: ${names.join(', ')}`, { timeout: 100_000 }, async (t) => {
    const test = async (name: string) => {
      const file = fileURLToPath(new URL(`${name}.test.js`, import.meta.url))
      const env = { PATH: process.env.PATH, FASTIFY: fastify }
      const { stdout } = await run(nodeBinary(node), [file], { env, maxBuffer: 16e6 }).catch((error) => error)
      t.match(stdout, /^# \{ total: \d+, pass: \d+ \}$/m, name)
    }
    await Promise.all(names.map(test))
  })
}
