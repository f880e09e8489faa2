import t from 'tap'
import { type Cache, measure as measureCache } from '../src/components/cache/measure.js'
import { measure as measureLimiter } from '../src/components/limiter/measure.js'
import { measure as measureLogging } from '../src/components/logging/measure.js'
import { measure as measureMetrics } from '../src/components/metrics/measure.js'
import type { Task } from '../src/components/task.js'
import { runBench } from './run-bench.js'

t.setTimeout(1_200_000) // on a machine that has much else to do

t.test('every component bench measures every peer', async (t) => {
  const { code, output, read } = await runBench(t, [
    'limiter',
    'cache',
    'metrics',
    'logging',
    'clicks',
    '--rounds',
    '1',
    '--seconds',
    '0.1',
  ])
  t.equal(code, 0, output)
  const redis = ['bentocache', 'async-cache-dedupe', 'cacheable']
  const expected = {
    'limiter-memory': ['rate-limiter-flexible', 'fastify-rate-limit', 'steadfast'],
    'limiter-redis': ['rate-limiter-flexible', 'fastify-rate-limit', 'steadfast', 'steadfast-leased'],
    'limiter-redis-hot': ['rate-limiter-flexible', 'fastify-rate-limit', 'steadfast', 'steadfast-leased'],
    'cache-memory': ['lru-cache', 'lru-cache-awaited', 'steadfast-peek', 'steadfast', ...redis],
    'cache-redis': ['ioredis', 'steadfast', ...redis],
    'cache-stampede': ['lru-cache', 'steadfast', ...redis],
    'metrics-record': ['prom-client', '@platformatic/prom-client', 'prom-client-summary', 'steadfast'],
    'metrics-scrape': ['prom-client', '@platformatic/prom-client', 'steadfast'],
    logging: ['pino', 'pino-async', 'steadfast', 'pino-roll', 'winston-daily-rotate-file'],
    clicks: ['worker'],
  }
  for (const [name, contenders] of Object.entries(expected)) {
    const { json, markdown, svg } = read(name)
    t.same(
      json.results.map(({ contender }) => contender),
      contenders,
    )
    for (const { contender, figures } of json.results) {
      const [[first, cost] = []] = Object.entries(figures)
      t.ok(cost!.median > 0, `${first} of ${contender}`)
      t.match(markdown, new RegExp(`^\\| ${contender} +\\| +\\d`, 'm'))
      t.match(svg, `>${contender}</text>`)
      // Beside the operations, ours asks Redis four times a second for what was invalidated.
      if (name.endsWith('-redis')) t.equal(figures.roundTrips!.median.toFixed(1), '1.0', `${contender}: one round trip`)
      if (name === 'cache-stampede') t.equal(figures.loads!.median, 1, `${contender}: one load`)
      if (name === 'metrics-scrape' && contender !== 'steadfast') {
        t.ok(figures.delayMs!.median > figures.cpuMs!.median / 2, 'rendering in one go blocks the event loop')
      }
    }
  }
})

t.test('who does less than the others is not measured', async (t) => {
  const task = { seconds: 0.1, prefix: '', options: {}, folder: t.testdir() } as unknown as Task
  const never = async () => ({ consume: () => 1 })
  await t.rejects(measureLimiter(never, task), { message: /it limits to three/ })

  const forgetful = async ({ load }: { load(code: string): ReturnType<Cache['get']> }) => ({ get: load })
  await t.rejects(measureCache(forgetful as never, task), { message: /it loads each code once/ })
  const nothing = async () => ({ get: () => undefined })
  await t.rejects(measureCache(nothing, task), { message: /it gives what was loaded/ })

  const silent = async () => ({ record() {}, scrape: async () => '' })
  await t.rejects(measureMetrics(silent, { ...task, comparison: 'record' }), { message: /it has counted every record/ })
  await t.rejects(measureMetrics(silent, { ...task, comparison: 'scrape' }), { message: /it tells every series/ })

  const lossy = async () => ({ write() {}, async end() {} })
  await t.rejects(measureLogging(lossy, task), /JSON|all lines are in the files/)
})
