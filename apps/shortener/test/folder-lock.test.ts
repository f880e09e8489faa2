import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { forkFixture, startChild } from '@steadfast/testing'
import t, { type Test } from 'tap'
import { lockFolder } from '../src/database/folder-lock.js'

const holder = new URL('./fixtures/lock-holder.js', import.meta.url)

function folderOf(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'lock-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

t.test('a folder has one holder, until it lets go', async (t) => {
  const folder = folderOf(t)
  const unlock = await lockFolder(folder)
  await t.rejects(lockFolder(folder), { code: 'ERR_SHORTENER_DATABASE_IN_USE', message: `process ${process.pid};` })
  unlock()
  const again = await lockFolder(folder)
  again()
})

t.test('who is killed lets go; who is busy does not', async (t) => {
  const folder = folderOf(t)
  const idle = await forkFixture(holder, { args: [folder] })
  await idle.printed(/locked/)
  await t.rejects(lockFolder(folder), { message: `process ${idle.pid};` })
  await idle.release()
  t.ok(statSync(join(folder, 'lock')).isSocket(), 'it had no time to tidy up')

  const busy = await forkFixture(holder, { args: [folder, 'busy'] })
  await busy.printed(/locked/)
  await t.rejects(lockFolder(folder), { message: 'process unknown;' })
  await busy.release()
  const unlock = await lockFolder(folder)
  unlock()
})

t.test('a process that sees no other process, as in a container, sees the lock', async (t) => {
  const folder = folderOf(t)
  const unlock = await lockFolder(folder)
  const contained = await startChild('unshare', ['-Urpf', process.execPath, holder.pathname, folder])
  t.same(await contained.exit, { code: 1, signal: null })
  t.match(contained.output(), `in use by process ${process.pid};`)
  unlock()
})

t.test('of six that find what a killed one left, one gets the folder', async (t) => {
  const folder = folderOf(t)
  const killed = await forkFixture(holder, { args: [folder] })
  await killed.printed(/locked/)
  await killed.release()
  const starters = await Promise.all(Array.from({ length: 6 }, () => forkFixture(holder, { args: [folder] })))
  t.teardown(() => Promise.all(starters.map((child) => child.release())))
  const said = await Promise.all(starters.map(async (child) => (await child.printed(/locked|in use/))[0]))
  t.same(said.sort(), ['in use', 'in use', 'in use', 'in use', 'in use', 'locked'])
})
