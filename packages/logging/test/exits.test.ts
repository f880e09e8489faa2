import { join } from 'node:path'
import { type Child, forkFixture, waitFor } from '@steadfast/testing'
import t, { type Test } from 'tap'
import type { LinesRequest } from './fixtures/lines.js'
import { linesOf, logFiles, newFolder } from './log-files.js'

async function start(t: Test, request: LinesRequest): Promise<Child> {
  const child = await forkFixture(new URL('./fixtures/lines.js', import.meta.url), { args: [JSON.stringify(request)] })
  t.teardown(() => child.release())
  return child
}

const numbers = (count: number) => Array.from({ length: count }, (_, n) => n)

t.test('20,000 lines, and then the process ends: all of them are in the file', async (t) => {
  for (const end of ['exit', 'throw', 'SIGTERM', 'return'] as const) {
    for (const perTurn of [Infinity, 500]) {
      const folder = newFolder(t)
      const child = await start(t, {
        options: { file: { path: join(folder, 'app.log') }, rotate: { sizeBytes: 200_000 } },
        lines: 20_000,
        perTurn,
        end,
      })
      if (end === 'SIGTERM') {
        await child.printed(/logged/)
        child.signal('SIGTERM')
      }
      const { code } = await child.exit
      t.equal(code, end === 'throw' ? 1 : 0, child.output())
      const files = logFiles(folder)
      const read = linesOf(files).map(({ n }) => n)
      t.same(read, numbers(20_000), `${end}: every line, once, in order`)
      t.ok(
        files.every(({ size }) => size <= 200_000),
        'and every file within its size',
      )
    }
  }
})

t.test('SIGTERM under @steadfast/shutdown: 20,000 lines, and that of the last request', async (t) => {
  const folder = newFolder(t)
  const fixture = new URL('./fixtures/under-shutdown.js', import.meta.url)
  const child = await forkFixture(fixture, { args: [join(folder, 'app.log'), '20000'] })
  t.teardown(() => child.release())
  const [, url] = await child.printed(/listening (.*)/)
  t.equal((await fetch(`${url}/log`)).status, 200)
  t.equal((await child.exit).code, 0, child.output())
  const files = logFiles(folder)
  const lines = linesOf(files)
  t.same(
    lines.filter(({ msg }) => msg === 'line').map(({ n }) => n),
    numbers(20_000),
  )
  t.equal(lines.filter(({ msg }) => msg === 'request completed').length, 1)
  t.ok(
    lines.some(({ msg }) => /shut/i.test(msg)),
    'the report of the shutdown too',
  )
  t.ok(files.every(({ size }) => size <= 200_000))
})

t.test('kill -9: what is older than flushMs is in the file, and the next run goes on behind it', async (t) => {
  const folder = newFolder(t)
  const options = { file: { path: join(folder, 'app.log'), flushMs: 100 } }
  const child = await start(t, { options, lines: 1_000, end: 'wait' })
  const [, at] = await child.printed(/logged at (\d+)/)
  await waitFor(() => linesOf(logFiles(folder)).length === 1_000, { everyMs: 5 })
  const tookMs = Date.now() - Number(at)
  t.ok(tookMs <= 900, `on the disk ${tookMs} ms later, without any further line`)
  child.signal('SIGKILL')
  await child.exit
  t.same(
    linesOf(logFiles(folder)).map(({ n }) => n),
    numbers(1_000),
  )
  await (await start(t, { options, lines: 10, end: 'exit' })).exit
  const files = logFiles(folder)
  t.same(
    files.map(({ name }) => name),
    ['app.log'],
    'the file of a process that was killed is free',
  )
  t.equal(linesOf(files).length, 1_010)
})

t.test('lines come while the process is killed: what is missing is not older than flushMs', async (t) => {
  const folder = newFolder(t)
  const options = { file: { path: join(folder, 'app.log') }, rotate: { sizeBytes: 100_000 } }
  const child = await start(t, { options, lines: 1e9, perTurn: 20, end: 'wait' })
  await waitFor(() => logFiles(folder).length > 3)
  const killedMs = Date.now()
  child.signal('SIGKILL')
  await child.exit
  // The kernel may have been stopped in the middle of a write.
  const files = logFiles(folder).map((file) => ({ ...file, text: file.text.slice(0, file.text.lastIndexOf('\n') + 1) }))
  const lines = linesOf(files)
  t.same(
    lines.map(({ n }) => n),
    numbers(lines.length),
  )
  const lastMs = lines.at(-1)?.time ?? 0
  t.ok(killedMs - lastMs <= 500, `the last line is of ${killedMs - lastMs} ms before`)
})
