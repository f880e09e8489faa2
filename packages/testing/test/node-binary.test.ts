import { execFileSync } from 'node:child_process'
import t from 'tap'
import { nodeBinary, nodeMajors } from '../src/index.js'

t.test('every version of Node that packages are for is here', async (t) => {
  for (const major of nodeMajors) {
    t.match(execFileSync(nodeBinary(major), ['--version'], { encoding: 'utf8' }), new RegExp(`^v${major}\\.`))
  }
  t.throws(() => nodeBinary(18 as 20), /^Node 18 for .* is not installed/)
})
