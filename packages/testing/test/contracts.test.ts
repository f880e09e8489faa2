import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { watch } from 'node:fs'
import { createServer } from 'node:net'
import { Worker } from 'node:worker_threads'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import {
  checkLifecycle,
  checkMetricSources,
  checkProbeRoutes,
  checkQuiet,
  type DrainPhase,
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
    'does not wait for shutdown’s runner': [
      (app) => {
        const shared = join(app)
        let run: typeof shared.runPhase
        Object.defineProperty(shared, 'runPhase', {
          set: (runner) => {
            run = runner
          },
          get: () => run && (async (phase: DrainPhase) => void run?.(phase)),
        })
      },
      /and awaited|one after the other/,
    ],
    'does shutdown’s work as well': [
      (app) => {
        const shared = join(app)
        app.addHook('onClose', async () => {
          for (const work of shared.onDrain.logs.splice(0))
            Promise.resolve()
              .then(work)
              .catch(() => {})
        })
      },
      /one after the other|every phase runs/,
    ],
    'runs work before it takes it out': [
      (app) => {
        join(app).runPhase = async function (this: Shared, phase) {
          await Promise.allSettled(this.onDrain[phase].map(async (work) => work()))
          this.onDrain[phase].length = 0
        }
      },
      /every phase runs/,
    ],
    'tells the first listener only': [
      (app) => {
        const { onState } = join(app)
        onState.add = (listener) => (onState.size === 0 ? Set.prototype.add.call(onState, listener) : onState)
      },
      /every listener is told/,
    ],
    'tells before the change': [
      (app) => {
        const shared = join(app)
        let { state } = shared
        Object.defineProperty(shared, 'state', {
          get: () => state,
          set: (next) => void setImmediate(() => (state = next)),
        })
      },
      /./,
    ],
    'clears what others have put in': [(app) => join(app).metricSources.clear(), /sources of others are kept/],
    'replaces what others have put in': [
      (app) => {
        join(app).onState = new Set()
      },
      /onState is kept/,
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

  const le = (bound: string, value: number) => ({ suffix: '_bucket', labels: { le: bound }, value })
  const ends = [
    { suffix: '_sum', value: 3 },
    { suffix: '_count', value: 2 },
  ]
  const histogram: MetricFamily = {
    name: 'h',
    help: 'H.',
    type: 'histogram',
    samples: [le('1', 1), le('+Inf', 2), ...ends],
  }
  t.same(await checkMetricSources(give(histogram)), [histogram])
  const wrongSamples: [MetricFamily['samples'], RegExp][] = [
    [[le('1', 1), ...ends], /le="\+Inf"/],
    [[le('1', 3), le('+Inf', 2), ...ends], /cumulative/],
    [[le('+Inf', 1), ...ends], /_count is what/],
    [[le('+Inf', 2), { suffix: '_count', value: 2 }], /has a _sum/],
  ]
  for (const [samples, message] of wrongSamples) {
    await t.rejects(checkMetricSources(give({ ...histogram, samples })), { message })
  }
  const taken: MetricFamily = { name: 'h_count', help: 'H.', type: 'gauge', samples: [] }
  await t.rejects(checkMetricSources(give(histogram, taken)), /none has the name of another/)
  const twice = [1, '1'].map((a) => ({ labels: { a }, value: 1 }))
  await t.rejects(checkMetricSources(give({ ...right, samples: twice })), /each series once/)
  const noText = [{ labels: { a: undefined as unknown as string }, value: 1 }]
  await t.rejects(checkMetricSources(give({ ...right, samples: noText })), /a text or a number/)
  const mutable = { ...right, name: 'bad-name_total' }
  const mend = () => {
    mutable.name = 'good_total'
  }
  await t.rejects(checkMetricSources(give(mutable), mend), /a metric name/, 'before the first request already')
  const falling = { ...right, samples: [{ value: 2 }] }
  const fall = () => {
    falling.samples = [{ value: 1 }]
  }
  await t.rejects(checkMetricSources(give(falling), fall), /never goes down/)
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

t.test('quiet: whatever others can notice is noticed, unref’d or not', async (t) => {
  const ended: (() => unknown)[] = []
  t.teardown(() => Promise.all(ended.map((end) => end())))
  const loud: Record<string, () => unknown> = {
    'a timer': () => {
      const timer = setInterval(() => {}, 1_000)
      ended.push(() => clearInterval(timer))
    },
    'a port': async () => {
      const server = createServer().unref()
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      ended.push(() => server.close())
    },
    'a UDP socket': async () => {
      const socket = createSocket('udp4').unref()
      await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
      ended.push(() => socket.close())
    },
    'a thread': async () => {
      const worker = new Worker('setInterval(() => {}, 1000)', { eval: true })
      await once(worker, 'online')
      worker.unref()
      ended.push(() => worker.terminate())
    },
    'a watched file': () => {
      const watcher = watch(import.meta.dirname).unref()
      ended.push(() => watcher.close())
    },
    'a signal handler': () => {
      const handler = () => {}
      process.on('SIGUSR2', handler)
      ended.push(() => process.off('SIGUSR2', handler))
    },
  }
  for (const [name, register] of Object.entries(loud)) await t.rejects(checkQuiet(register), /while it serves/, name)
  const tidy = (app: FastifyInstance) => {
    const timer = setInterval(() => {}, 1_000).unref()
    app.addHook('onClose', async () => clearInterval(timer))
  }
  await t.resolves(checkQuiet(tidy))
})
