import {
  appendFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { forkFixture, waitFor } from '@steadfast/testing'
import t from 'tap'
import { createLogger } from '../src/index.js'
import type { LinesRequest } from './fixtures/lines.js'
import { linesOf, logFiles, newFolder } from './log-files.js'

const numbers = (count: number) => Array.from({ length: count }, (_, n) => n)

t.test('a burst of 10 MB against 200 KB: no file is larger, no line is torn or out of order', async (t) => {
  for (const pad of [0, 1_000, 30_000]) {
    const folder = newFolder(t)
    const logger = createLogger({
      file: { path: join(folder, 'app.log') },
      rotate: { sizeBytes: 200_000 },
      console: false,
    })
    const padding = 'ä'.repeat(pad / 2)
    const count = Math.ceil(10_000_000 / (pad + 90))
    for (let n = 0; n < count; n++) logger.info({ n, padding }, 'line')
    await logger.close()
    const files = logFiles(folder)
    t.ok(files.length >= 50, `${files.length} files`)
    t.equal(Math.max(...files.map(({ size }) => size)) <= 200_000, true, 'each within its size')
    t.same(
      linesOf(files).map(({ n }) => n),
      numbers(count),
    )
  }
})

t.test('a line that is larger than a file may be has a file of its own', async (t) => {
  const folder = newFolder(t)
  const logger = createLogger({ file: { path: join(folder, 'app.log') }, rotate: { sizeBytes: 2_000 }, console: false })
  for (const size of [10, 5_000, 10, 200_000, 10]) logger.info({ padding: '€'.repeat(size) })
  await logger.close()
  const files = logFiles(folder)
  t.equal(linesOf(files).length, 5)
  t.ok(files.every(({ size, text }) => size <= 2_000 || text.trimEnd().split('\n').length === 1))
})

t.test('four processes on one path, 20,000 lines each: 80,000 lines, none lost, none torn', async (t) => {
  const folder = newFolder(t)
  const request: LinesRequest = {
    options: { file: { path: join(folder, 'app.log') }, rotate: { sizeBytes: 200_000, gzip: true } },
    lines: 20_000,
    perTurn: 200,
    end: 'SIGTERM',
  }
  const start = () => forkFixture(new URL('./fixtures/lines.js', import.meta.url), { args: [JSON.stringify(request)] })
  const children = await Promise.all([start(), start(), start(), start()])
  for (const child of children) t.teardown(() => child.release())
  await Promise.all(children.map((child) => child.printed(/logged/)))
  for (const child of children) child.signal('SIGTERM')
  for (const child of children) t.equal((await child.exit).code, 0, child.output())
  const files = logFiles(folder)
  const lines = linesOf(files)
  t.equal(lines.length, 80_000)
  t.equal(new Set(lines.map(({ by, n }) => `${by} ${n}`)).size, 80_000, 'all different')
  for (const { pid } of children) {
    const own = lines.filter(({ by }) => by === pid)
    t.same(
      own.map(({ n }) => n),
      numbers(20_000),
      'and those of a process in order',
    )
  }
  t.ok(files.every(({ text }) => Buffer.byteLength(text) <= 200_000))
  t.ok(
    ['app.log', 'app.p2.log', 'app.p3.log', 'app.p4.log'].every((name) => existsSync(join(folder, name))),
    'the name says so',
  )

  // What they have left is rolled and compressed by the next, though it is alone.
  const next = createLogger({ ...request.options, console: false })
  await waitFor(() => logFiles(folder).every(({ name }) => name.endsWith('.gz') || name === 'app.log'), {
    timeoutMs: 20_000,
  })
  t.equal(linesOf(logFiles(folder)).length, 80_000)
  await next.close()
})

t.test('a file that somebody else moves or removes is followed by a new one', async (t) => {
  const folder = newFolder(t)
  const path = join(folder, 'app.log')
  const logger = createLogger({ file: { path, flushMs: 10 }, console: false })
  t.teardown(() => logger.close())
  logger.info('before')
  await waitFor(() => linesOf(logFiles(folder)).length === 1)
  renameSync(path, join(folder, 'moved'))
  await waitFor(() => {
    logger.info('after')
    return existsSync(path) && statSync(path).size > 0
  })
  t.match(readFileSync(path, 'utf8'), /after/)
})

t.test('a folder that is removed is made again', async (t) => {
  const folder = join(newFolder(t), 'logs')
  const path = join(folder, 'app.log')
  const logger = createLogger({ file: { path, flushMs: 10 }, console: false })
  t.teardown(() => logger.close())
  logger.info('before')
  await waitFor(() => linesOf(logFiles(folder)).length === 1)
  rmSync(folder, { recursive: true })
  await waitFor(() => {
    logger.info('after')
    return existsSync(path) && statSync(path).size > 0
  })
  t.equal(logger.stats()?.failure, undefined)
  t.ok(readdirSync(folder).includes('.app.log.owner'), 'and it is this process that writes there')
})

t.test('half a line that a killed process has left does not spoil the next', async (t) => {
  const folder = newFolder(t)
  const path = join(folder, 'app.log')
  writeFileSync(path, '{"level":30,"msg":"cut')
  const logger = createLogger({ file: { path }, console: false })
  logger.info({ n: 1 }, 'next')
  await logger.close()
  const [half, line, end] = readFileSync(path, 'utf8').split('\n')
  t.same([half, JSON.parse(line!).msg, end], ['{"level":30,"msg":"cut', 'next', ''])
})

t.test('permissions, and a link to what is written to', async (t) => {
  const folder = newFolder(t)
  const open = (symlink: boolean | string) =>
    createLogger({
      file: { path: join(folder, 'app.log'), symlink, mode: 0o600 },
      rotate: { sizeBytes: 1_024, gzip: true },
      console: false,
    })
  const logger = open(true)
  for (let n = 0; n < 100; n++) logger.info({ n })
  await waitFor(() => readdirSync(folder).some((name) => name.endsWith('.gz')))
  await logger.close()
  t.equal(readlinkSync(join(folder, 'current.log')), 'app.log')
  for (const name of readdirSync(folder).filter((name) => name.startsWith('app'))) {
    t.equal(statSync(join(folder, name)).mode & 0o777, 0o600, name)
  }
  await open('latest').close()
  t.equal(readlinkSync(join(folder, 'latest')), 'app.log')
  t.equal(readdirSync(folder).filter((name) => name.startsWith('.')).length, 0, 'nothing hidden is left behind')

  const plain = createLogger({ file: { path: join(folder, 'plain.log') }, console: false })
  await plain.close()
  t.equal(statSync(join(folder, 'plain.log')).mode & 0o777, 0o640)
})

t.test('retention counts what an earlier run has left, and touches nothing else', async (t) => {
  const folder = newFolder(t)
  const strangers = [
    'backup.99.log',
    'app.backup.99.log',
    'app-2026-01-01.0001.log',
    'app.2026-01-01.0001.log.bak',
    'app.log.1',
    'my-app.2026-01-01.0001.log',
    'app.2026-01-01.txt',
    'app.2026-01-01.1.log',
    'app.log.gz',
  ]
  for (const name of strangers) writeFileSync(join(folder, name), 'not ours\n'.repeat(10_000))
  const day = (n: number) => `2026-01-${`${n}`.padStart(2, '0')}`
  const seed = () => {
    for (let n = 1; n <= 20; n++) {
      const path = join(folder, `app.${day(n)}.0001.log`)
      writeFileSync(path, `${JSON.stringify({ n })}\n`.repeat(100))
      utimesSync(path, new Date(day(n)), new Date(day(n)))
    }
  }
  const ours = () =>
    readdirSync(folder)
      .filter((name) => /^app\.2026-01-\d\d\.0001\.log(\.gz)?$/.test(name))
      .sort()
  const path = join(folder, 'app.log')

  seed()
  const byCount = createLogger({ file: { path }, retain: { files: 5 }, console: false })
  await waitFor(() => ours().length === 5)
  t.same(
    ours(),
    [16, 17, 18, 19, 20].map((n) => `app.${day(n)}.0001.log`),
  )
  await byCount.close()

  seed()
  const ageMs = Date.now() - Date.parse(day(18)) + 3_600_000
  const byAge = createLogger({ file: { path }, retain: { ageMs }, rotate: { gzip: true }, console: false })
  await waitFor(() => ours().length === 3 && ours().every((name) => name.endsWith('.gz')))
  t.same(
    ours(),
    [18, 19, 20].map((n) => `app.${day(n)}.0001.log.gz`),
    'its age is that of what it holds',
  )
  await byAge.close()

  seed()
  appendFileSync(path, `${JSON.stringify({ n: 0 })}\n`.repeat(100))
  const [each, active] = [statSync(join(folder, `app.${day(1)}.0001.log`)).size, statSync(path).size]
  const bySize = createLogger({ file: { path }, retain: { totalBytes: active + 4.5 * each }, console: false })
  await waitFor(() => ours().filter((name) => name.endsWith('.log')).length <= 4)
  const kept = ours().reduce((sum, name) => sum + statSync(join(folder, name)).size, active)
  t.ok(kept <= active + 4.5 * each && kept > active + 3 * each, `${kept} bytes`)
  await bySize.close()

  for (const name of strangers) t.equal(readFileSync(join(folder, name), 'utf8'), 'not ours\n'.repeat(10_000), name)
})

t.test('kill -9 while a file is compressed: the next start compresses it whole', async (t) => {
  const folder = newFolder(t)
  const path = join(folder, 'app.log')
  const line = () => `${JSON.stringify({ n: 1, noise: Math.random().toString(36) })}\n`
  const content = Array.from({ length: 600_000 }, line).join('')
  writeFileSync(join(folder, 'app.2026-01-01.0001.log'), content)
  const options = { file: { path }, rotate: { gzip: true } }
  const args = [JSON.stringify({ options, lines: 1, end: 'wait' } satisfies LinesRequest)]
  const child = await forkFixture(new URL('./fixtures/lines.js', import.meta.url), { args })
  const unfinished = join(folder, '.app.2026-01-01.0001.log.gz.unfinished')
  await waitFor(() => statSync(unfinished).size > 100_000, { everyMs: 1 })
  child.signal('SIGKILL')
  await child.exit
  t.ok(existsSync(unfinished), 'it was killed half way')
  t.same(
    readdirSync(folder).filter((name) => name.endsWith('.gz')),
    [],
  )
  const next = createLogger({ ...options, console: false })
  await waitFor(() => existsSync(join(folder, 'app.2026-01-01.0001.log.gz')))
  await waitFor(() => !existsSync(join(folder, 'app.2026-01-01.0001.log')))
  await next.close()
  const zipped = logFiles(folder).find(({ name }) => name === basename('app.2026-01-01.0001.log.gz'))
  t.equal(zipped?.text === content, true)
  t.notOk(existsSync(unfinished))
})

t.test('a process that ends before it has removed what it compressed: the next start does', async (t) => {
  const folder = newFolder(t)
  const path = join(folder, 'app.log')
  const content = `${JSON.stringify({ n: 1 })}\n`
  const rolled = join(folder, 'app.2026-01-01.0001.log')
  writeFileSync(rolled, content)
  writeFileSync(`${rolled}.gz`, gzipSync(content))
  const next = createLogger({ file: { path }, rotate: { gzip: true }, console: false })
  await waitFor(() => !existsSync(rolled))
  await next.close()
  t.equal(logFiles(folder, basename(`${rolled}.gz`))[0]?.text, content)
})
