import { mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { forkFixture, startChild, waitFor } from '@steadfast/testing'
import Fastify from 'fastify'
import t from 'tap'
import logging, { createLogger, fastifyLogging, type LoggingOptions } from '../src/index.js'
import { pretty } from '../src/pretty.js'
import { linesOf, logFiles, newFolder } from './log-files.js'

t.test('bad options are thrown at creation, with a code, the name and the value', async (t) => {
  const folder = newFolder(t)
  writeFileSync(join(folder, 'file'), '')
  const file = { path: join(folder, 'app.log') }
  const refused: [unknown, string, RegExp][] = [
    [{ level: 'loud' }, 'ERR_LOGGING_OPTION', /level .*'loud'/],
    [{ file, rotate: { sizeBytes: 0 } }, 'ERR_LOGGING_OPTION', /rotate\.sizeBytes .*0/],
    [{ file, rotate: { every: 'fortnight' } }, 'ERR_LOGGING_OPTION', /rotate\.every .*'fortnight'/],
    [{ file, rotate: { gzip: 'yes' } }, 'ERR_LOGGING_OPTION', /rotate\.gzip .*'yes'/],
    [{ file, retain: { files: 0 } }, 'ERR_LOGGING_OPTION', /retain\.files .*0/],
    [{ file, retain: { ageMs: '7d' } }, 'ERR_LOGGING_OPTION', /retain\.ageMs .*'7d'/],
    [{ file: { ...file, flushMs: 0 } }, 'ERR_LOGGING_OPTION', /file\.flushMs .*0/],
    [{ file: { ...file, mode: '0640' } }, 'ERR_LOGGING_OPTION', /file\.mode .*'0640'/],
    [{ file: {} }, 'ERR_LOGGING_OPTION', /file\.path/],
    [{ rotate: { sizeBytes: 5_000 } }, 'ERR_LOGGING_OPTION', /file must be set where rotate is/],
    [{ file, console: 'loud' }, 'ERR_LOGGING_OPTION', /console .*'loud'/],
    [{ file, onDiskFull: 'panic' }, 'ERR_LOGGING_OPTION', /onDiskFull .*'panic'/],
    [{ levels: 'syslog' }, 'ERR_LOGGING_OPTION', /levels .*'syslog'/],
    [{ secrets: { keys: ['a.b'] } }, 'ERR_LOGGING_OPTION', /secrets\.keys/],
    [{ secrets: { patterns: ['x'] } }, 'ERR_LOGGING_OPTION', /secrets\.patterns/],
    [{ secrets: { censor: '"' } }, 'ERR_LOGGING_OPTION', /secrets\.censor/],
    [{ roller: 'logrotate', file }, 'ERR_LOGGING_OPTION', /roller .*'logrotate'/],
    [{ roller: 'pino-roll', file }, 'ERR_LOGGING_OPTION', /file must be what pino-roll is given/],
    [{ file: { file: 'x', size: 'huge' } }, 'ERR_LOGGING_OPTION', /file\.size .*'huge'/],
    [{ file: { file: 'x', frequency: 'weekly' } }, 'ERR_LOGGING_OPTION', /file\.frequency .*'weekly'/],
    [{ file: { file: 'x', dateFormat: 'EEEE' } }, 'ERR_LOGGING_OPTION', /file\.dateFormat .*'EEEE'/],
    [
      { file: '/var/log/app.log' },
      'ERR_LOGGING_OPTION',
      /file must be an object, as \{ path: .*'\/var\/log\/app\.log'/,
    ],
    [{ file: null }, 'ERR_LOGGING_OPTION', /file must be an object.*null/],
    [{ file: { path: `${folder}/` } }, 'ERR_LOGGING_OPTION', /file\.path must be the path of a file/],
    [{ file: { ...file, mode: 640 } }, 'ERR_LOGGING_OPTION', /file\.mode .*640/],
    [{ file: { ...file, mode: 0o444 } }, 'ERR_LOGGING_OPTION', /file\.mode .*the owner can write/],
    [{ file: { ...file, symlink: 'app.log' } }, 'ERR_LOGGING_OPTION', /file\.symlink .*'app\.log'/],
    [{ file: { ...file, symlink: 'app.p2.log' } }, 'ERR_LOGGING_OPTION', /file\.symlink .*'app\.p2\.log'/],
    [{ file: { ...file, symlink: '.app.log.owner' } }, 'ERR_LOGGING_OPTION', /file\.symlink/],
    [{ file: { ...file, symlink: '..' } }, 'ERR_LOGGING_OPTION', /file\.symlink/],
    [{ serializers: 1 }, 'ERR_LOGGING_OPTION', /serializers must be an object, not 1/],
    [{ lvl: 'info' }, 'ERR_LOGGING_UNKNOWN_OPTION', /lvl is no option/],
    [{ transport: {} }, 'ERR_LOGGING_UNKNOWN_OPTION', /transport/],
    [{ file: { ...file, sise: 1 } }, 'ERR_LOGGING_UNKNOWN_OPTION', /file\.sise/],
    [{ file, rotate: { size: 1 } }, 'ERR_LOGGING_UNKNOWN_OPTION', /rotate\.size/],
    [{ file: { path: join(folder, 'file/app.log') } }, 'ERR_LOGGING_FILE', /file\/app\.log/],
    [{ file: { path: folder } }, 'ERR_LOGGING_FILE', /EISDIR/],
    [{ file: { path: '/proc/app.log' } }, 'ERR_LOGGING_FILE', /\/proc\/app\.log/],
  ]
  for (const [options, code, message] of refused) {
    t.throws(() => createLogger({ console: false, ...(options as LoggingOptions) }), { code, message }, message.source)
  }
  t.same(readdirSync(folder), ['file'], 'and nothing is left behind')
  const logger = createLogger({ console: false })
  t.throws(() => fastifyLogging(logger, { accessLog: { level: 'loud' } }), {
    code: 'ERR_LOGGING_OPTION',
    message: /accessLog\.level/,
  })
  t.throws(() => fastifyLogging(logger, { accesLog: {} } as never), { code: 'ERR_LOGGING_UNKNOWN_OPTION' })
  const wrong = { requestIdLogLabel: 'req', fastify: 1 }
  for (const [name, value] of Object.entries(wrong)) {
    t.throws(() => fastifyLogging(logger, { [name]: value }), { code: 'ERR_LOGGING_OPTION', message: name })
  }
  const twice = Fastify(fastifyLogging(logger))
  await twice.register(logging, { logger })
  t.throws(() => twice.logging.setLevel(undefined as never), { code: 'ERR_LOGGING_OPTION', message: /level/ })
  await t.rejects(async () => await twice.register(logging, { logger }), { code: 'ERR_LOGGING_REGISTERED_TWICE' })
  const other = Fastify(fastifyLogging(logger))
  const otherLogger = createLogger({ console: false })
  const registered = async () => await other.register(logging, { logger: otherLogger })
  await t.rejects(registered, { code: 'ERR_LOGGING_OPTION', message: /logger must be the one that fastifyLogging/ })
  t.throws(() => fastifyLogging({} as never), { code: 'ERR_LOGGING_OPTION', message: /logger/ })
  const app = Fastify()
  app.register(logging, { logger: {} as never })
  await t.rejects(
    async () => {
      await app.ready()
    },
    { code: 'ERR_LOGGING_OPTION' },
  )
})

t.test('setLevel reaches children that are there already, and reverts by itself', async (t) => {
  const folder = newFolder(t)
  const logger = createLogger({ file: { path: join(folder, 'app.log') }, console: false })
  const app = Fastify({ ...fastifyLogging(logger) })
  await app.register(logging, { logger })
  const child = logger.child({ a: 1 })
  const grandchild = child.child({ b: 2 })
  const own = logger.child({}, { level: 'error' })
  const all = [logger, child, grandchild, app.log]
  const speak = (msg: string) => {
    for (const log of [...all, own]) log.debug(msg)
  }
  speak('before')
  app.logging.setLevel('debug', { forMs: 60_000 })
  speak('during')
  t.equal(child.level, 'debug')
  app.logging.setLevel('trace', { forMs: 50 })
  t.equal(app.logging.stats().level, 'trace')
  await waitFor(() => grandchild.level === 'info')
  t.equal(logger.level, 'info', 'what it was before the first of both')
  speak('after')
  t.throws(() => app.logging.setLevel('loud'), { code: 'ERR_LOGGING_OPTION' })
  t.throws(() => app.logging.setLevel('info', { forMs: 3e9 }), { code: 'ERR_LOGGING_OPTION' })
  t.throws(() => app.logging.setLevel('info', { for: 1 } as never), { code: 'ERR_LOGGING_UNKNOWN_OPTION' })
  await app.logging.flush()
  t.same(
    linesOf(logFiles(folder)).map(({ msg }) => msg),
    all.map(() => 'during'),
  )
  await app.close()
  await logger.close()
})

t.test('the severities of RFC 5424', async (t) => {
  const folder = newFolder(t)
  const logger = createLogger({
    file: { path: join(folder, 'app.log') },
    console: false,
    levels: 'rfc5424',
    level: 'trace',
  })
  for (const level of ['fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const) logger[level](level)
  const app = Fastify({ ...fastifyLogging(logger) })
  await app.register(logging, { logger })
  app.get('/', async () => 'ok')
  await app.inject('/')
  await app.close()
  await logger.close()
  t.same(
    linesOf(logFiles(folder)).map(({ level }) => level),
    [2, 3, 4, 6, 7, 7, 6],
  )
})

t.test('pretty only on a terminal, where nothing that is logged can steer it', async (t) => {
  const options = { isColored: false, messageKey: 'msg', errorKey: 'err' }
  const hostile = 'a\r\n\u001b[2J\u0007\u009b31m\u202e'
  const line = JSON.stringify({
    level: 30,
    time: 0,
    pid: 1,
    hostname: 'h',
    [hostile]: hostile,
    req: { x: hostile },
    err: { message: hostile, stack: `E\n at ${hostile}` },
    msg: hostile,
  })
  const shown = pretty(`${line}\n`, options)
  t.equal(shown.split('\n').length - 1, 4, 'one line, and those of the stack')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  t.notMatch(shown, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/)
  t.match(pretty('{"level":30,"time":0,"msg":"hi","n":1}\n', options), /\d\d:\d\d:00\.000 INFO {2}hi n=1\n$/)
  t.notMatch(pretty(JSON.stringify({ level: hostile, msg: 'x' }), options), '\u001b')
  t.match(pretty('{"level":3,"time":0,"msg":"hi"}\n', options), /ERROR hi/)

  const fixture = new URL('./fixtures/lines.js', import.meta.url)
  const start = (logger: object) => JSON.stringify({ options: logger, hasConsole: true, lines: 1, end: 'exit' })
  const piped = await forkFixture(fixture, { args: [start({})] })
  await piped.exit
  t.match(piped.output(), /"msg":"line"/, 'JSON into a pipe')
  const withFile = await forkFixture(fixture, { args: [start({ file: { path: join(newFolder(t), 'app.log') } })] })
  await withFile.exit
  t.notMatch(withFile.output(), /line/, 'nothing beside a file')
  // script(1) gives it a terminal.
  const command = `'${process.execPath}' '${fixture.pathname}' '${start({})}'`
  const terminal = await startChild('script', ['-qec', command, '/dev/null'])
  await terminal.exit
  t.match(terminal.output(), /INFO .*line.*n=/, 'for people on a terminal')
})

t.test('an existing configuration of pino-roll works with both rollers', async (t) => {
  for (const roller of ['pino-roll', 'steadfast'] as const) {
    const folder = newFolder(t)
    const logs = join(folder, 'logs')
    // pino-roll itself makes the link before the folder.
    mkdirSync(logs)
    const file = {
      file: join(logs, 'app'),
      frequency: 'daily',
      size: '4k',
      mkdir: true,
      extension: '.log',
      symlink: true,
      limit: { count: 3 },
      dateFormat: 'yyyy-MM-dd',
      sync: false,
    } as const
    const request = { options: { file, roller, base: { password: 'S3CR' } }, lines: 400, perTurn: 20, end: 'close' }
    const child = await forkFixture(new URL('./fixtures/lines.js', import.meta.url), {
      args: [JSON.stringify(request)],
    })
    t.equal((await child.exit).code, 0, child.output())
    const rolled = () => logFiles(logs).filter(({ name }) => name !== 'current.log')
    // In a burst pino-roll may not come to roll before it is closed.
    t.ok(rolled().length > (roller === 'pino-roll' ? 0 : 1), roller)
    t.ok(rolled().every(({ name }) => /^app(\.\d{4}-\d\d-\d\d\.\d+)?\.log$/.test(name)))
    t.ok(rolled().some(({ text }) => text.includes('"n":399')))
    t.notOk(
      rolled().some(({ text }) => text.includes('S3CR')),
      'without secrets',
    )
    t.ok(readlinkSync(join(logs, 'current.log')))
    if (roller === 'pino-roll') continue
    t.ok(rolled().every(({ size }) => size <= 4_096))
    t.match(readFileSync(join(logs, 'current.log'), 'utf8'), '"n":399')
    const next = createLogger({ file, console: false })
    await waitFor(() => rolled().length === 4)
    await next.close()
  }
})
