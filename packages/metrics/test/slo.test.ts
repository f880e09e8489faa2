import { execFileSync, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findTestTool } from '@steadfast/testing'
import Fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import metrics, { type MetricsOptions } from '../src/index.js'
import { parse } from './exposition.js'

const cli = join(import.meta.dirname, '../src/cli.js')

async function appWith(t: Test, options: MetricsOptions): Promise<FastifyInstance> {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(metrics, options)
  return app
}

/** promtool's notation: from `start`, by `step` each minute, for three hours and then for another. */
interface Series {
  labels: string
  before: string
  burst: string
}

const name = 'http_request_duration_seconds'
const cases: { title: string; series: Series[]; fires: { sli: string; share: string } | undefined }[] = [
  {
    title: 'a burst of 2 % errors pages',
    series: [
      { labels: `${name}_count{job="app",status_code="200"}`, before: '0+600x180', burst: '108600+588x60' },
      { labels: `${name}_count{job="app",status_code="500"}`, before: '0+0x180', burst: '12+12x60' },
      { labels: `${name}_count{job="app",status_code="499"}`, before: '0+600x180', burst: '108600+600x60' },
      { labels: `${name}_bucket{job="app",status_code="200",le="0.5"}`, before: '0+600x180', burst: '108600+588x60' },
    ],
    fires: { sli: 'errors', share: '1.999' },
  },
  {
    title: 'a burst of 20 % slow answers pages',
    series: [
      { labels: `${name}_count{job="app",status_code="200"}`, before: '0+600x180', burst: '108600+600x60' },
      { labels: `${name}_bucket{job="app",status_code="200",le="0.5"}`, before: '0+600x180', burst: '108480+480x60' },
    ],
    fires: { sli: 'latency', share: '20' },
  },
  {
    title: 'one failure in three requests does not',
    series: [
      { labels: `${name}_count{job="app",status_code="200"}`, before: '0+0x180', burst: '1 2 2x58' },
      { labels: `${name}_count{job="app",status_code="500"}`, before: '0+0x180', burst: '0 0 1x58' },
      { labels: `${name}_bucket{job="app",status_code="200",le="0.5"}`, before: '0+0x180', burst: '1 2 2x58' },
    ],
    fires: undefined,
  },
  {
    title: 'one in 10,000 does not',
    series: [
      { labels: `${name}_count{job="app",status_code="200"}`, before: '0+60000x180', burst: '10860000+60000x60' },
      { labels: `${name}_count{job="app",status_code="500"}`, before: '0+6x180', burst: '1086+6x60' },
    ],
    fires: undefined,
  },
]

t.test('promtool accepts the rules, and they page when they should', async (t) => {
  const promtool = await findTestTool('promtool')
  const app = await appWith(t, { slo: { latencyMs: 500, target: 0.999, apdexMs: 250 } })
  const folder = t.testdir()
  const rules = join(folder, 'rules.yml')
  const run = (...args: string[]) => spawnSync(promtool, args, { encoding: 'utf8' })
  writeFileSync(rules, app.metrics.rules())
  const checked = run('check', 'rules', rules)
  t.equal(checked.status, 0, checked.stdout + checked.stderr)

  for (const { title, series, fires } of cases) {
    const alerts = (time: string, isFiring: boolean) => ({
      eval_time: time,
      alertname: 'HttpErrorBudgetBurnsFast',
      exp_alerts:
        isFiring && fires
          ? [
              {
                exp_labels: { severity: 'page', job: 'app', sli: fires.sli },
                exp_annotations: {
                  summary: `app burns its error budget (SLI: ${fires.sli})`,
                  description: `${fires.share}% of requests miss the objective of 99.9 %.`,
                },
              },
            ]
          : [],
    })
    const test = {
      rule_files: [rules],
      evaluation_interval: '1m',
      tests: [
        {
          interval: '1m',
          input_series: series.map(({ labels, before, burst }) => ({ series: labels, values: `${before} ${burst}` })),
          alert_rule_test: [
            alerts('180m', false),
            // While what has just failed is in the shortest window, and an hour after the burst began.
            ...(fires ? [] : [alerts('184m', false)]),
            alerts('240m', fires !== undefined),
          ],
        },
      ],
    }
    const file = join(folder, 'test.yml')
    writeFileSync(file, JSON.stringify(test)) // which is YAML too
    const tested = run('test', 'rules', file)
    t.equal(tested.status, 0, `${title}: ${tested.stdout}${tested.stderr}`)
  }
})

t.test('whole numbers of seconds match as Prometheus 2 and 3 write them', async (t) => {
  const app = await appWith(t, { slo: { latencyMs: 1_000, target: 0.99 } })
  t.match(app.metrics.rules(), 'le=~"1|1\\\\.0"')
})

t.test('every query of the dashboard names series of a real scrape', async (t) => {
  const app = await appWith(t, { prefix: 'shop_', slo: { apdexMs: 250 }, runtime: { gc: true } })
  app.metrics.pool('main', { totalCount: 1, idleCount: 1, waitingCount: 0 })
  app.metrics.pool('cache', { status: 'ready', ping: async () => 'PONG' })
  app.get('/a', async () => 'ok')
  app.get('/aborted', () => new Promise(() => {}))
  await app.listen({ port: 0, host: '127.0.0.1' })
  await app.inject('/a')
  await app.inject({ url: '/aborted', signal: AbortSignal.timeout(20) }).catch(() => {})
  const turn = () => new Promise((resolve) => setTimeout(resolve, 20))
  let names = new Set<string>()
  const dashboard = app.metrics.dashboard() as { panels: { targets: { expr: string }[] }[] }
  const queries = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))
  const used = [...new Set(queries.flatMap((query) => query.match(/\bshop_\w+/g) ?? []))]
  for (let i = 0; i < 200 && !used.every((series) => names.has(series)); i++) {
    names = new Set(parse((await app.metrics.render()).body.toString()).map((sample) => sample.name))
    Array.from({ length: 10_000 }, () => ({})) // for a garbage collection to have happened
    await turn()
  }
  t.ok(queries.length >= 20)
  t.same(
    used.filter((series) => !names.has(series)),
    [],
  )
  const promtool = await findTestTool('promtool')
  const folder = t.testdir()
  const asRules = queries.map((expr, i) => ({
    record: `query:${i}`,
    expr: expr.replaceAll(/\$__(rate_interval|range)/g, '5m'),
  }))
  const file = join(folder, 'queries.yml')
  writeFileSync(file, JSON.stringify({ groups: [{ name: 'queries', rules: asRules }] }))
  t.doesNotThrow(() => execFileSync(promtool, ['check', 'rules', file], { stdio: 'pipe' }))
})

t.test('the command gives the same', async (t) => {
  const app = await appWith(t, {
    prefix: 'shop_',
    http: { buckets: [0.2, 0.8] },
    slo: { apdexMs: 200, latencyMs: 200 },
  })
  const run = (...args: string[]) => spawnSync(process.execPath, [cli, ...args], { encoding: 'utf8' })
  const options = ['--prefix', 'shop_', '--buckets', '0.2,0.8', '--apdex-ms', '200', '--latency-ms', '200']
  t.equal(run('rules', ...options).stdout, app.metrics.rules())
  t.same(JSON.parse(run('dashboard', ...options).stdout), app.metrics.dashboard())
  const withGarbage = await appWith(t, { runtime: { gc: true } })
  t.same(JSON.parse(run('dashboard', '--gc').stdout), withGarbage.metrics.dashboard())
  t.notSame(withGarbage.metrics.dashboard(), (await appWith(t, {})).metrics.dashboard())
  t.match(run('--help'), { status: 0, stdout: /steadfast-metrics rules\|dashboard/ })
  for (const [args, message] of [
    [[], /say what to write/],
    [['rule'], /there is no rule/],
    [['rules', '--latency-ms', '123'], /ERR_METRICS_OPTION: slo.latencyMs must be a bound of http.buckets.*not 123/],
    [['rules', '--target', '99.9'], /ERR_METRICS_OPTION: slo.target must be a share/],
    [['rules', '--nonsense'], /nonsense/],
  ] as const) {
    const { status, stdout, stderr } = run(...args)
    t.same([status, stdout], [1, ''])
    t.match(stderr, message)
  }
})
