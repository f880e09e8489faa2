import { once } from 'node:events'
import { connect } from 'node:http2'
import { waitFor } from '@steadfast/testing'
import Fastify, { type FastifyInstance } from 'fastify'
import t from 'tap'
import { oneAtATime } from '../src/checks/one-at-a-time.js'
import health, { diskCheck, type HealthCheck, type HealthOptions } from '../src/index.js'

t.test('send hooks that are added later don’t touch the probes', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(health)
  const seen: string[] = []
  app.decorateRequest('user', null)
  app.addHook('onSend', async (request, reply) => {
    reply.header('x-user', (request as unknown as { user: { id: string } }).user.id)
  })
  app.addHook('preSerialization', async () => void seen.push('preSerialization'))
  app.addHook('onSend', () => void seen.push('an onSend hook that never ends'))
  app.addHook('onResponse', async ({ url }) => void seen.push(`onResponse ${url}`))
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  for (const path of ['/livez', '/readyz', '/startupz', '/health']) {
    const injected = await app.inject(path)
    t.same([injected.statusCode, injected.body], [200, '{"status":"pass"}'], path)
    t.equal(injected.headers['content-length'], '17')
    const head = await fetch(`${url}${path}`, { method: 'HEAD' })
    t.same([head.status, head.headers.get('content-length'), await head.text()], [200, '17', ''])
    const post = await fetch(`${url}${path}`, { method: 'POST', body: 'x' })
    t.same([post.status, ((await post.json()) as { code: string }).code], [405, 'ERR_HEALTH_METHOD'])
  }
  await waitFor(() => seen.length === 12)
  t.ok(
    seen.every((hook) => hook.startsWith('onResponse /')),
    'but onResponse hooks see them, as the README says',
  )
})

t.test('the probes speak HTTP/2', async (t) => {
  const app = Fastify({ http2: true }) as unknown as FastifyInstance
  t.teardown(() => app.close())
  await app.register(health)
  const client = connect(await app.listen({ port: 0, host: '127.0.0.1' }))
  t.teardown(() => client.destroy())
  for (const [method, length] of [
    ['GET', 17],
    ['HEAD', 0],
  ] as const) {
    const stream = client.request({ ':method': method, ':path': '/livez' })
    const [headers] = await once(stream, 'response')
    t.match(headers, { ':status': 200, 'content-length': '17' }, method)
    const chunks: Buffer[] = await stream.toArray()
    t.equal(Buffer.concat(chunks).length, length)
  }
})

t.test('an access function that rejects lets nobody in, and ends nothing', async (t) => {
  const rejections: unknown[] = []
  const note = (error: unknown) => void rejections.push(error)
  process.on('unhandledRejection', note)
  t.teardown(() => process.off('unhandledRejection', note))
  const app = Fastify()
  t.teardown(() => app.close())
  const access = (async () => Promise.reject(new Error('no'))) as unknown as () => boolean
  await app.register(health, { access })
  t.equal((await app.inject('/health')).body, '{"status":"pass"}')
  await new Promise((resolve) => setImmediate(resolve))
  t.same(rejections, [])
})

t.test('runs that wait for one call leave nothing behind on it', async (t) => {
  let attached = 0
  let finish: (value: string) => void = () => {}
  class Counted<T> extends Promise<T> {
    // biome-ignore lint/suspicious/noThenProperty: it counts who waits
    override then: Promise<T>['then'] = (...given) => {
      attached++
      return super.then(...given)
    }
  }
  const run = oneAtATime(
    () =>
      new Counted<string>((resolve) => {
        finish = resolve
      }),
  )
  for (let i = 0; i < 20; i++) {
    const controller = new AbortController()
    const waits = run(controller.signal)
    controller.abort(new Error('too late'))
    await t.rejects(waits, { message: 'too late' })
  }
  t.equal(attached, 1)
  const { signal } = new AbortController()
  const both = Promise.all([run(signal), run(signal)])
  finish('done')
  t.same(await both, ['done', 'done'])
})

t.test('close of a check is waited for, and may reject', async (t) => {
  const lines: string[] = []
  const app = Fastify({ logger: { stream: { write: (line) => void lines.push(line) } } })
  let isClosed = false
  const run = () => {}
  await app.register(health, {
    checks: {
      bad: { run, close: async () => Promise.reject(new Error('won’t close')) },
      slow: {
        run,
        async close() {
          await new Promise((resolve) => setTimeout(resolve, 20))
          isClosed = true
        },
      },
    },
  })
  await app.ready()
  await t.resolves(app.close())
  t.ok(isClosed)
  t.match(lines.join(''), 'health check \\"bad\\" could not be closed')
})

t.test('a load that is no object is refused', async (t) => {
  for (const load of [null, false, 0, '']) {
    const register = async () => Fastify().register(health, { load } as unknown as HealthOptions)
    await t.rejects(register(), { code: 'ERR_HEALTH_OPTION' }, `${load}`)
  }
})

t.test('a disk check waits no longer than its signal', async (t) => {
  const controller = new AbortController()
  const run = diskCheck({ path: '/', minFreeBytes: 1 }).run(controller.signal)
  controller.abort(new Error('too late'))
  await t.rejects(run as Promise<unknown>, { message: 'too late' })
})

t.test('an error that can’t be looked at is told by its text', async (t) => {
  const sly = Object.defineProperty(new Error('sly'), 'message', {
    get() {
      throw new Error('no message')
    },
  })
  const closed = new Proxy(new Error('closed'), {
    getPrototypeOf() {
      throw new Error('no prototype')
    },
  })
  const odd = Object.assign(new Error('odd'), { message: 42 })
  const lines: { msg: string; level: number }[] = []
  const app = Fastify({ logger: { stream: { write: (line) => void lines.push(JSON.parse(line)) } } })
  t.teardown(() => app.close())
  const checks: Record<string, HealthCheck> = {}
  for (const [name, error] of Object.entries({ sly, closed, odd })) {
    checks[name] = { failAfter: 1, run: () => Promise.reject(error) }
  }
  await app.register(health, { checks })
  app.health.on('change', () => {
    throw sly
  })
  await app.ready()
  await waitFor(() => lines.filter(({ level }) => level === 40).length === 6)
  const told = lines.map(({ msg }) => msg).filter((msg) => msg.startsWith('health check'))
  t.same(told, [
    'health check "sly": fail, threw what can’t be shown',
    'health check "closed": fail, threw what can’t be shown',
    'health check "odd": fail, 42',
  ])
})

t.test('the app has started even if nobody asked at the time', async (t) => {
  const failing: HealthCheck = { in: ['startup'], run: () => false }
  const bare = Fastify()
  t.teardown(() => bare.close())
  await bare.register(health)
  await bare.ready()
  bare.health.add('late', failing)
  t.equal((await bare.inject('/startupz')).statusCode, 200, 'with the change of the state')

  const app = Fastify()
  t.teardown(() => app.close())
  let runs = 0
  await app.register(health, { checks: { boot: { in: ['startup'], everyMs: 10, run: () => ++runs > 1 } } })
  await app.ready()
  await waitFor(() => runs > 1)
  await new Promise((resolve) => setImmediate(resolve))
  app.health.add('late', failing)
  t.equal((await app.inject('/startupz')).statusCode, 200, 'with the first pass')
})

t.test('a result with a status of another kind is a failure', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(health, { checks: { terminus: { run: () => ({ status: 'down' }) } } })
  await app.ready()
  await waitFor(() => app.health.status().checks.terminus?.time)
  const output = "returned the status 'down', not 'pass', 'warn' or 'fail'"
  t.match(app.health.status().checks.terminus, { status: 'fail', output })
})
