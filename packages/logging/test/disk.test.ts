import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { forkFixture, mountDisk, startChild, waitFor } from '@steadfast/testing'
import t, { type Test } from 'tap'
import { createLogger, type LoggingOptions, type RollingStats } from '../src/index.js'
import { linesOf, logFiles, newFolder } from './log-files.js'

async function startApp(t: Test, fixture: string, argument: string) {
  const child = await forkFixture(new URL(`./fixtures/${fixture}.js`, import.meta.url), { args: [argument] })
  t.teardown(() => child.release())
  const [, url] = await child.printed(/listening (.*)/)
  const ask = async (path: string) => {
    const answer = await fetch(`${url}${path}`)
    if (answer.status !== 200) throw new Error(`${path} got ${answer.status}`)
    return answer.text()
  }
  const stats = async () => JSON.parse(await ask('/stats')) as RollingStats
  return { child, ask, stats }
}

t.test('a full disk: requests are answered, what is dropped is counted, and told once there is space', async (t) => {
  const disk = await mountDisk()
  t.teardown(() => disk.release())
  const options: LoggingOptions = {
    file: { path: join(disk.path, 'app.log'), maxBufferBytes: 65_536 },
    rotate: { sizeBytes: 20_000 },
  }
  const { child, ask, stats } = await startApp(t, 'full-disk', JSON.stringify(options))
  await ask('/log/10')
  await waitFor(async () => (await stats()).bufferedBytes === 0)
  disk.fill()
  await ask('/log/2000')
  await waitFor(async () => (await stats()).failure)
  await ask('/log/2000')
  const full = await stats()
  t.match(full.failure, /ENOSPC/)
  t.ok(full.droppedLines > 2_000, `${full.droppedLines} lines dropped`)
  t.ok(full.bufferedBytes <= 65_536, 'and the memory is bounded')
  t.doesNotThrow(() => linesOf(logFiles(disk.path)), 'no half line is left in the file')
  t.equal(child.output().match(/can't write/g)?.length, 1, 'it is said once')

  disk.makeSpace()
  await waitFor(async () => (await stats()).failure === undefined, { timeoutMs: 5_000 })
  await ask('/log/1')
  const told = () => linesOf(logFiles(disk.path)).filter(({ msg }) => /^dropped \d+ lines/.test(msg))
  await waitFor(() => told().length > 0)
  t.equal(told().length, 1)
  t.equal(told()[0]?.dropped, (await stats()).droppedLines)
  await ask('/exit')
  t.equal((await child.exit).code, 0)
  const lines = linesOf(logFiles(disk.path)).filter(({ msg }) => msg === 'line')
  t.equal(lines.length + full.droppedLines, 4_011, 'every line is in the file, or counted')
})

t.test('process.exit() ends on a full disk, and says what is lost', async (t) => {
  const disk = await mountDisk()
  t.teardown(() => disk.release())
  const { child, ask, stats } = await startApp(
    t,
    'full-disk',
    JSON.stringify({ file: { path: join(disk.path, 'app.log') } }),
  )
  await waitFor(async () => (await stats()).bufferedBytes === 0)
  disk.fill()
  await ask('/log/500')
  await ask('/exit')
  t.equal((await child.exit).code, 0)
  t.match(child.output(), /logging: \d+ lines are not in/)
  t.doesNotThrow(() => linesOf(logFiles(disk.path)))
})

t.test('an app starts on a full disk', async (t) => {
  const disk = await mountDisk()
  t.teardown(() => disk.release())
  disk.fill()
  const { child, ask, stats } = await startApp(
    t,
    'full-disk',
    JSON.stringify({ file: { path: join(disk.path, 'app.log') } }),
  )
  await ask('/log/10')
  disk.makeSpace()
  await waitFor(async () => (await stats()).failure === undefined && (await stats()).writtenBytes > 0, {
    timeoutMs: 5_000,
  })
  t.ok(existsSync(join(disk.path, 'app.log')))
  await ask('/exit')
  t.equal((await child.exit).code, 0)
})

t.test('onDiskFull stderr: lines go there meanwhile', async (t) => {
  const disk = await mountDisk()
  t.teardown(() => disk.release())
  const options: LoggingOptions = { file: { path: join(disk.path, 'app.log') }, onDiskFull: 'stderr' }
  const { child, ask, stats } = await startApp(t, 'full-disk', JSON.stringify(options))
  disk.fill()
  await ask('/log/500')
  const inFile = () => linesOf(logFiles(disk.path)).filter(({ msg }) => msg === 'line').length
  const onStandardError = () => child.output().match(/^\{.*"msg":"line"\}$/gm)?.length ?? 0
  await waitFor(() => inFile() + onStandardError() === 500)
  t.ok(onStandardError() > 300)
  t.equal((await stats()).droppedLines, 0)
  disk.makeSpace()
  await waitFor(async () => {
    await ask('/log/1')
    return (await stats()).failure === undefined
  })
})

t.test('a disk that hangs holds no request, and nothing is lost if it answers again', async (t) => {
  const path = join(newFolder(t), 'app.log')
  const { child, ask, stats } = await startApp(t, 'hung-disk', path)
  await ask('/hang')
  await ask('/log/10')
  const startMs = performance.now()
  for (let n = 0; n < 50; n++) await ask('/log/100')
  const tookMs = performance.now() - startMs
  t.ok(tookMs < 5_000, `50 requests in ${Math.round(tookMs)} ms, where one wait of 100 ms is allowed for`)
  const hung = await stats()
  t.equal(hung.failure, 'the disk does not answer')
  t.ok(hung.droppedLines > 3_000 && hung.bufferedBytes <= 65_536)
  await ask('/mend')
  const told = () => linesOf(logFiles(join(path, '..'))).filter(({ msg }) => msg.startsWith('dropped'))
  await waitFor(() => told().length > 0)
  await ask('/exit')
  await child.exit
  const lines = linesOf(logFiles(join(path, '..'))).filter(({ msg }) => msg === 'line')
  const dropped = told().reduce((sum, line) => sum + (line.dropped as number), 0)
  t.equal(lines.length + dropped, 5_010, `${lines.length} lines in the file, ${told().length} told of others`)
})

t.test('a disk that hangs holds no exit for long', async (t) => {
  const { child, ask } = await startApp(t, 'hung-disk', join(newFolder(t), 'app.log'))
  await ask('/hang')
  await ask('/log/10')
  await waitFor(async () => Number(await ask('/held')) > 0)
  const startMs = performance.now()
  await ask('/exit')
  t.equal((await child.exit).code, 0)
  const tookMs = performance.now() - startMs
  t.ok(tookMs < 5_000, `${Math.round(tookMs)} ms`)
  t.match(child.output(), /lines are not in/)
})

t.test(
  'a pipe whose reader has stopped holds no request, and what was not dropped arrives once it reads on',
  async (t) => {
    const folder = newFolder(t)
    const path = join(folder, 'pipe')
    execFileSync('mkfifo', [path])
    const reader = await startChild('sh', ['-c', 'exec cat "$0" > "$1"', path, join(folder, 'read.log')])
    t.teardown(() => reader.release())
    const { child, ask, stats } = await startApp(t, 'hung-disk', path)
    await ask('/log/1')
    await waitFor(() => linesOf(logFiles(folder, 'read.log')).length > 1)
    reader.signal('SIGSTOP')
    const startMs = performance.now()
    for (let n = 0; n < 50; n++) await ask('/log/100')
    const tookMs = performance.now() - startMs
    t.ok(tookMs < 5_000, `50 requests in ${Math.round(tookMs)} ms`)
    await waitFor(async () => (await stats()).droppedLines > 1_000)
    t.ok((await stats()).bufferedBytes <= 65_536)
    reader.signal('SIGCONT')
    await waitFor(async () => {
      await ask('/log/1')
      return (await stats()).failure === undefined
    })
    await ask('/exit')
    t.equal((await child.exit).code, 0)
    await reader.exit
    const lines = linesOf(logFiles(folder, 'read.log'))
    const { length } = lines.filter(({ msg }) => msg === 'line')
    const told = lines.filter(({ msg }) => msg.startsWith('dropped'))
    const dropped = told.reduce((sum, line) => sum + (line.dropped as number), 0)
    t.ok(dropped > 1_000)
    t.ok(length + dropped > 5_000, `${length} lines arrived, ${dropped} are told of`)
  },
)

t.test('pipes and devices are written to, and never hang', async (t) => {
  const logger = createLogger({ file: { path: '/dev/full' }, console: false })
  for (let n = 0; n < 1_000; n++) logger.info('into the void')
  logger.fatal('no throw')
  t.match(logger.stats()?.failure, /ENOSPC/)
  await logger.close()
  const quiet = createLogger({ file: { path: '/dev/null' }, rotate: { sizeBytes: 1_024 }, console: false })
  for (let n = 0; n < 1_000; n++) quiet.info('into the void')
  await quiet.close()
  t.equal(quiet.stats()?.droppedLines, 0)
  t.notOk(existsSync('/dev/.null.owner'))
  const fixture = fileURLToPath(new URL('./fixtures/lines.js', import.meta.url))
  const request = JSON.stringify({ options: { file: { path: '/dev/stdout' } }, lines: 1_000, end: 'exit' })
  const child = await startChild('sh', ['-c', '"$0" "$1" "$2" | cat', process.execPath, fixture, request])
  t.teardown(() => child.release())
  await child.exit
  t.equal(child.output().match(/^\{.*"msg":"line"\}$/gm)?.length, 1_000)
})
