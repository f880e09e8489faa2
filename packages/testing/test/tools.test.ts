import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { findTestTool } from '../src/index.js'
import { findTool } from '../src/servers/tools.js'

t.test('programs are found in the order of the folders', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tools-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  symlinkSync('/bin/true', join(folder, 'postgres'))
  t.equal(findTool('postgres', { folders: ['/no/such/folder', folder], install: false }), join(folder, 'postgres'))
})

t.test('a program that is not there and can’t be installed gives one error that says how to get it', async (t) => {
  t.throws(() => findTool('redis-server', { folders: [], install: false }), {
    message: /^redis-server was not found.*"apt-get install redis-server".*TEST_REDIS_URL/,
  })
})

t.test('other tools come the same way as servers', async (t) => {
  t.match(execFileSync(await findTestTool('promtool'), ['--version']).toString(), /promtool, version/)
})
