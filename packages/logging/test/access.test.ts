import { type AddressInfo, connect } from 'node:net'
import { join } from 'node:path'
import { checkLifecycle, checkMetricSources, checkProbeRoutes, checkQuiet, sharedBy, waitFor } from '@steadfast/testing'
import LatestFastify from 'fastify'
import Middle from 'fastify-5.10'
import Oldest from 'fastify-oldest'
import t, { type Test } from 'tap'
import logging, { createLogger, type FastifyLoggingOptions, fastifyLogging, type LoggingOptions } from '../src/index.js'
import { type Line, linesOf, logFiles, newFolder } from './log-files.js'

const copies = [Oldest, Middle, LatestFastify] as unknown as (typeof LatestFastify)[]

interface AccessLine extends Line {
  req: { remoteAddress?: string }
}

interface Given {
  copy?: typeof LatestFastify
  options?: LoggingOptions
  access?: FastifyLoggingOptions
}

async function newApp(t: Test, { copy: Fastify = LatestFastify, options, access }: Given = {}) {
  const folder = newFolder(t)
  const logger = createLogger({ file: { path: join(folder, 'app.log'), flushMs: 10 }, console: false, ...options })
  const app = Fastify({ ...fastifyLogging(logger, { ...access, fastify: Fastify }) })
  await app.register(logging, { logger })
  t.teardown(() => app.close().then(() => logger.close()))
  const lines = async () => {
    await app.logging.flush()
    return linesOf(logFiles(folder)).filter(({ msg }) => !msg.startsWith('Server listening')) as AccessLine[]
  }
  return { app, logger, lines }
}

t.test('one line a request, on every Fastify, and no warning', async (t) => {
  const warnings: string[] = []
  const note = (warning: Error) => warnings.push(warning.message)
  process.on('warning', note)
  for (const copy of copies) {
    const { app, lines } = await newApp(t, { copy })
    app.get('/users/:id', async () => ({ hello: 'wörld' }))
    app.get('/fails', async () => {
      throw new Error('boom, password=S3CR')
    })
    const url = await app.listen({ port: 0, host: '127.0.0.1' })
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
    await (await fetch(`${url}/users/7?token=S3CR&page=2`, { headers: { traceparent } })).text()
    await (await fetch(`${url}/nowhere`, { method: 'POST' })).text()
    await (await fetch(`${url}/fails`)).text()
    await waitFor(async () => (await lines()).length === 3)
    const [fine, lost, failed] = await lines()
    t.match(fine, {
      level: 30,
      reqId: 'req-1',
      traceId: traceparent.split('-')[1],
      req: { method: 'GET', url: '/users/7?token=[secret]&page=2', route: '/users/:id', remoteAddress: '127.0.0.1' },
      res: { statusCode: 200, bytes: 18 },
      responseTime: Number,
      msg: 'request completed',
    })
    t.match(lost, { req: { method: 'POST', url: '/nowhere', route: undefined }, res: { statusCode: 404 } })
    t.match(failed, {
      level: 50,
      req: { route: '/fails' },
      res: { statusCode: 500 },
      err: { type: 'Error', message: 'boom, password=[secret]', stack: String },
    })
    t.equal(app.logging.stats().accessLines, 3)
    await app.close()
  }
  await new Promise(setImmediate)
  process.off('warning', note)
  t.same(warnings, [])
})

t.test('who goes away before the answer has a line with 499', async (t) => {
  for (const copy of copies) {
    const { app, lines } = await newApp(t, { copy })
    let answer = () => {}
    app.get(
      '/slow/:id',
      () =>
        new Promise((resolve) => {
          answer = () => resolve('late')
        }),
    )
    app.post(
      '/slow/:id',
      () =>
        new Promise((resolve) => {
          answer = () => resolve('late')
        }),
    )
    app.get('/quick', async () => 'ok')
    await app.listen({ port: 0, host: '127.0.0.1' })
    const { port } = app.server.address() as AddressInfo
    for (const request of [
      'GET /slow/1 HTTP/1.1\r\nHost: x\r\n\r\n',
      'POST /slow/1 HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}',
    ]) {
      const before = (await lines()).length
      const socket = connect(port, '127.0.0.1')
      socket.write(`GET /quick HTTP/1.1\r\nHost: x\r\n\r\n`)
      await new Promise((resolve) => socket.once('data', resolve))
      answer = () => {}
      const idle = answer
      socket.write(request)
      await waitFor(() => answer !== idle)
      socket.destroy()
      await waitFor(async () => (await lines()).length === before + 2)
      const line = (await lines()).at(-1)
      t.match(line, { req: { route: '/slow/:id', remoteAddress: '127.0.0.1' }, res: { statusCode: 499 } })
      answer()
      await new Promise(setImmediate)
      t.equal((await lines()).length, before + 2, 'and one line only')
    }
  }
})

t.test('request.log is bound to the request, and is a logger of pino in every way', async (t) => {
  for (const copy of copies) {
    const { app, lines } = await newApp(t, { copy })
    app.get('/', async (request) => {
      request.log.info({ a: 1 }, 'from the handler')
      request.log.child({ part: 'x' }).info('from a child')
      ;(request.log as ReturnType<typeof createLogger>).setBindings({ user: 'ada', token: 'S3CR' })
      request.log.info('bound')
      return 'ok'
    })
    app.get('/quiet', { logLevel: 'error' }, async (request) => {
      request.log.info('not heard')
      request.log.error('heard')
      return 'ok'
    })
    app.get('/own', { logSerializers: { req: () => 'mine', thing: () => 'shown' } }, async (request) => {
      request.log.info({ thing: 1 }, 'serialized')
      return 'ok'
    })
    await app.inject('/')
    await app.inject('/quiet')
    await app.inject('/own')
    const all = await lines()
    t.match(all, [
      { reqId: 'req-1', a: 1, msg: 'from the handler' },
      { reqId: 'req-1', part: 'x', msg: 'from a child' },
      { reqId: 'req-1', user: 'ada', token: '[secret]', msg: 'bound' },
      { reqId: 'req-1', user: 'ada', token: '[secret]', msg: 'request completed' },
      { reqId: 'req-2', level: 50, msg: 'heard' },
      { reqId: 'req-3', thing: 'shown' },
      { reqId: 'req-3', req: 'mine', res: { statusCode: 200 }, msg: 'request completed' },
    ])
    t.equal(all.length, 7)
  }
})

t.test('the options of the line, and of pino, show in it', async (t) => {
  const key = { ip: 'hash', ipKey: 'k' } as const
  const hashed = await newApp(t, {
    access: { accessLog: { ...key, level: 'debug', fields: () => ({ tenant: 'a' }) } },
    options: { level: 'debug' },
  })
  const same = await newApp(t, { access: { accessLog: key } })
  const none = await newApp(t, {
    access: { accessLog: { ip: false } },
    options: { messageKey: 'message', base: { app: 'x' }, timestamp: () => ',"at":"now"' },
  })
  const off = await newApp(t, { access: { accessLog: false } })
  const mixed = await newApp(t, {
    options: { mixin: () => ({ mixed: 1 }), serializers: { req: (req) => ({ only: req.method }) } },
  })
  for (const { app } of [hashed, same, none, off, mixed]) {
    app.get('/', async () => 'ok')
    await app.inject({ url: '/', headers: { host: 'example.com' } })
  }
  const [a, b] = [(await hashed.lines())[0], (await same.lines())[0]]
  t.match(a, { level: 20, tenant: 'a', req: { remoteAddress: /^[\w-]{16}$/ } })
  t.equal(a?.req.remoteAddress, b?.req.remoteAddress)
  await none.app.logging.flush()
  const folder = none.app.logging.stats().file?.path ?? ''
  const [text] = logFiles(join(folder, '..')).map(({ text }) => text)
  t.match(JSON.parse(text!), {
    level: 30,
    at: 'now',
    app: 'x',
    message: 'request completed',
    req: { remoteAddress: undefined },
  })
  t.same(await off.lines(), [])
  t.match((await mixed.lines())[0], { mixed: 1, req: { only: 'GET' }, res: { statusCode: 200 } })
})

t.test('fields that can’t be had cost nothing but themselves', async (t) => {
  const broken: [fields: unknown, message: RegExp][] = [
    [
      () => {
        throw new Error('no fields')
      },
      /no fields/,
    ],
    [
      () => ({
        get a() {
          throw new Error('no getter')
        },
      }),
      /no getter/,
    ],
    [
      async () => {
        throw new Error('late')
      },
      /Promise/,
    ],
    [() => 'x', /'x', not an object/],
    [() => ['x'], /not an object/],
  ]
  for (const [fields, message] of broken) {
    const { app, lines } = await newApp(t, { access: { accessLog: { fields: fields as never } } })
    app.get('/', async () => 'ok')
    const url = await app.listen({ port: 0, host: '127.0.0.1' })
    t.equal(await (await fetch(url)).text(), 'ok')
    await waitFor(async () => (await lines()).length === 1)
    t.match(await lines(), [{ msg: 'request completed', res: { statusCode: 200 }, fieldsError: message }])
  }
  const fields = () => ({ tenant: 'a', level: 99, time: 'never', msg: 'other', req: 1, responseTime: 'x' })
  const { app, lines } = await newApp(t, { access: { accessLog: { fields } } })
  app.get('/', async () => 'ok')
  await app.inject('/')
  const [line] = await lines()
  t.match(line, { tenant: 'a', level: 30, time: Number, msg: 'request completed', req: { method: 'GET' } })
  t.type(line?.responseTime, 'number')
})

t.test('errors are told where there is no access line for them', async (t) => {
  for (const copy of copies) {
    const { app, lines } = await newApp(t, { copy, access: { accessLog: false } })
    app.get('/', async () => {
      throw new Error('boom')
    })
    app.get('/wrong', async () => {
      throw Object.assign(new Error('your fault'), { statusCode: 400 })
    })
    await app.inject('/')
    await app.inject('/wrong')
    await app.inject('/nowhere')
    t.match(await lines(), [{ level: 50, reqId: 'req-1', err: { message: 'boom' }, msg: 'boom' }])
  }
  const { app, lines } = await newApp(t)
  app.get('/probe', { config: { steadfast: { probe: true } } as object }, async () => {
    throw new Error('probe failed')
  })
  await app.inject('/probe')
  t.match(await lines(), [{ level: 50, err: { message: 'probe failed' } }])

  const folder = newFolder(t)
  const logger = createLogger({ file: { path: join(folder, 'app.log') }, console: false })
  const forgotten = LatestFastify({ ...fastifyLogging(logger) })
  forgotten.get('/', async () => {
    throw new Error('boom')
  })
  await forgotten.inject('/')
  await forgotten.inject('/')
  await logger.close()
  const told = linesOf(logFiles(folder)).map(({ msg }) => msg)
  t.same(told, ['there are no access lines: @steadfast/logging is not registered', 'boom', 'boom'])
})

t.test('an id and an address from headers can’t break the line', async (t) => {
  const folder = newFolder(t)
  const logger = createLogger({ file: { path: join(folder, 'app.log') }, console: false })
  const app = LatestFastify({ ...fastifyLogging(logger), requestIdHeader: 'x-id', trustProxy: true })
  await app.register(logging, { logger })
  app.get('/*', async () => 'ok')
  await app.inject({ url: '/%22%0a"\\', headers: { 'x-id': '"\\}\u0001', 'x-forwarded-for': '"evil"' } })
  await app.close()
  await logger.close()
  const [line] = linesOf(logFiles(folder))
  t.match(line, { reqId: '"\\}\u0001', req: { remoteAddress: '"evil"' } })
})

t.test('the contracts of docs/architecture.md', async (t) => {
  const logger = createLogger({ file: { path: join(newFolder(t), 'app.log') }, console: false })
  t.teardown(() => logger.close())
  await t.resolves(checkLifecycle((app) => app.register(logging, { logger })))
  await t.resolves(checkQuiet((app) => app.register(logging, { logger })))
  await t.resolves(
    checkProbeRoutes(
      (app) => app.register(logging, { logger }),
      (app) => app.logging.stats().accessLines,
    ),
  )
  const families = await checkMetricSources(
    async (app) => {
      await app.register(logging, { logger })
      app.get('/', async () => 'ok')
    },
    async (app) => {
      await app.inject('/')
      await app.logging.flush()
    },
  )
  const value = (name: string) => families.find((family) => family.name === name)?.samples[0]?.value
  t.equal(value('logging_access_lines_total'), 1)
  t.ok((value('logging_written_bytes_total') ?? 0) > 100)
  t.equal(value('logging_failing'), 0)

  const { app, lines } = await newApp(t)
  app.addHook('onClose', async () => app.log.info('late'))
  app.get('/probe', { config: { steadfast: { probe: true } } as object }, async () => 'ok')
  await app.inject('/probe')
  await app.ready()
  t.equal(sharedBy(app)?.onDrain.logs.length, 1)
  await app.close()
  t.same(
    (await lines()).map(({ msg }) => msg),
    ['late'],
    'what was logged at close is written, and no probe',
  )
})
