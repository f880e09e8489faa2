import { execFileSync } from 'node:child_process'
import t from 'tap'
import { failuresOn, nodeBinary, nodeMajors } from '../src/index.js'

t.test('every version of Node that packages are for is here', async (t) => {
  for (const major of nodeMajors) {
    t.match(execFileSync(nodeBinary(major), ['--version'], { encoding: 'utf8' }), new RegExp(`^v${major}\\.`))
  }
  t.throws(() => nodeBinary(18 as 20), /^Node 18 for .* is not installed/)
})

t.test('a test file on another version: nothing, or what failed', async (t) => {
  const file = new URL('./fixtures/half-right.js', import.meta.url)
  t.equal(await failuresOn(24, file), '')
  const failures = await failuresOn(24, file, { WRONG: 'yes' })
  t.match(failures, /not ok 1 - what is wrong/)
  t.match(failures, /\+\s*yes/)
  t.notMatch(failures, /right\n.*ok 1 - should be truthy/)
  t.match(await failuresOn(24, new URL('./fixtures/none.js', import.meta.url)), /Cannot find module/)
})
