import { createServer } from 'node:net'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import {
  checkLifecycle,
  checkMetricSources,
  checkProbeRoutes,
  checkQuiet,
  type MetricFamily,
  type Shared,
} from '../src/index.js'
import { join } from './fixtures/join.js'

const key = Symbol.for('steadfast.v1')

t.test('a plugin that joins as documented passes, alone and beside others', async (t) => {
  await t.resolves(checkLifecycle(join))
  await t.resolves(checkLifecycle((app) => [join(app), join(app), join(app)]))
  await t.resolves(checkQuiet(join))
})

t.test('lifecycle: what a plugin can get wrong is noticed', async (t) => {
  let only: Shared | undefined
  const wrong: Record<string, [(app: FastifyInstance) => unknown, RegExp]> = {
    'takes no part': [() => {}, /is there once the plugin is registered/],
    'replaces what is there': [
      (app) => {
        delete (app.server as { [key]?: unknown })[key]
        join(app)
      },
      /not replaced/,
    ],
    'shares one object between apps': [
      (app) => {
        Object.assign(app.server, only && { [key]: only })
        only = join(app)
      },
      /has its own/,
    ],
    'does not follow the app': [
      (app) => {
        join({ server: app.server, addHook: () => {} } as unknown as FastifyInstance)
      },
      /goes forward/,
    ],
    'flushes before HTTP is drained': [
      (app) => {
        const shared = join(app)
        app.addHook('preClose', async () => {
          for (const work of shared.onDrain.flush.splice(0)) await Promise.allSettled([(async () => work())()])
        })
      },
      /flush runs after the last answer/,
    ],
    'lets one failure stop the rest': [
      (app) => {
        join(app).runPhase = async function (phase) {
          for (const work of this.onDrain[phase].splice(0)) await work()
        }
      },
      /must not keep the rest/,
    ],
  }
  for (const [name, [register, message]] of Object.entries(wrong))
    await t.rejects(checkLifecycle(register), { message }, name)
})

t.test('metric sources: right families pass, wrong ones are named', async (t) => {
  const give =
    (...families: MetricFamily[]) =>
    (app: FastifyInstance) =>
      join(app).metricSources.add(() => families)
  const right: MetricFamily = {
    name: 'x_total',
    help: 'X.',
    type: 'counter',
    samples: [{ labels: { a: '1' }, value: 1 }],
  }
  t.same(await checkMetricSources(give(right)), [right])
  const wrong: [Partial<MetricFamily>, RegExp][] = [
    [{ name: 'x-total' }, /a metric name/],
    [{ name: 'x' }, /end in _total/],
    [{ type: 'gauge' }, /end in _total/],
    [{ type: 'summary' as 'gauge' }, /has a type/],
    [{ help: ' ' }, /help text/],
    [{ samples: [{ value: -1 }] }, /counts up/],
    [{ samples: [{ value: '1' as unknown as number }] }, /a number/],
    [{ samples: [{ labels: { __a: '1' }, value: 1 }] }, /a label of x_total/],
    [{ samples: [{ value: 1 }, { value: 2 }] }, /each series once/],
    [{ samples: [{ suffix: '_sum', value: 1 }] }, /no sample "x_total_sum"/],
    [{ name: 'h', type: 'histogram', samples: [{ suffix: '_bucket', value: 1 }] }, /label le/],
  ]
  for (const [change, message] of wrong) await t.rejects(checkMetricSources(give({ ...right, ...change })), { message })
  await t.rejects(checkMetricSources(give(right, right)), /given once/)
  await t.rejects(checkMetricSources(join), /adds a metric source/)
})

t.test('probe routes: a plugin that counts them is noticed, and one that counts nothing', async (t) => {
  const counts = new WeakMap<object, number>()
  const noticed = (app: FastifyInstance) => counts.get(app.server) ?? 0
  const counter = (skipProbes: boolean) => (app: FastifyInstance) => {
    app.addHook('onRequest', async (request) => {
      const { steadfast } = request.routeOptions.config as { steadfast?: { probe?: boolean } }
      if (!(skipProbes && steadfast?.probe)) counts.set(app.server, noticed(app) + 1)
    })
  }
  await t.resolves(checkProbeRoutes(counter(true), noticed))
  await t.rejects(checkProbeRoutes(counter(false), noticed), /leaves probe routes alone/)
  await t.rejects(
    checkProbeRoutes(() => {}, noticed),
    /would prove nothing/,
  )
})

t.test('quiet: a timer, a port or a signal handler is noticed', async (t) => {
  let timer: NodeJS.Timeout | undefined
  await t.rejects(
    checkQuiet(() => {
      timer = setInterval(() => {}, 1_000)
    }),
    /while it serves/,
  )
  clearInterval(timer)
  await checkQuiet((app) => {
    const timer = setInterval(() => {}, 1_000).unref()
    app.addHook('onClose', async () => clearInterval(timer))
  })
  const handler = () => {}
  await t.rejects(
    checkQuiet(() => process.on('SIGUSR2', handler)),
    /while it serves/,
  )
  process.off('SIGUSR2', handler)
  const server = createServer()
  await t.rejects(
    checkQuiet(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))),
    /while it serves/,
  )
  server.close()
})
