import Fastify from 'fastify'
import t from 'tap'
import metrics, { type MetricsOptions } from '../src/index.js'

t.test('options that can’t be used', async (t) => {
  const refused: [options: unknown, code: 'OPTION' | 'UNKNOWN_OPTION', message: RegExp][] = [
    [{ endpont: '/m' }, 'UNKNOWN_OPTION', /^endpont is no option; there are registry, prefix, endpoint/],
    [{ routeMetrics: {} }, 'UNKNOWN_OPTION', /routeMetrics/],
    [{ http: { bucket: [] } }, 'UNKNOWN_OPTION', /http\.bucket /],
    [{ endpoint: { token: 'x' } }, 'UNKNOWN_OPTION', /endpoint\.token/],
    [{ runtime: { cpu: true } }, 'UNKNOWN_OPTION', /runtime\.cpu/],
    [{ slo: { p99: 1 } }, 'UNKNOWN_OPTION', /slo\.p99/],
    [{ prefix: '1a' }, 'OPTION', /^prefix must be .*, not '1a'/],
    [{ registry: {} }, 'OPTION', /^registry must be a Registry of prom-client/],
    [{ endpoint: 'metrics' }, 'OPTION', /^endpoint must be a path/],
    [{ endpoint: { path: '/:x' } }, 'OPTION', /^endpoint\.path .*'\/:x'/],
    [{ endpoint: { port: 70_000 } }, 'OPTION', /^endpoint\.port .*70000/],
    [{ endpoint: { host: 'x' } }, 'OPTION', /^endpoint\.port must be set where endpoint\.host is/],
    [{ endpoint: { bearer: 'a secret\n' } }, 'OPTION', /^endpoint\.bearer .* not '…'$/],
    [{ endpoint: { allow: [] } }, 'OPTION', /^endpoint\.allow/],
    [{ endpoint: { allow: ['10.0.0.0/33'] } }, 'OPTION', /^endpoint\.allow .*10\.0\.0\.0\/33/],
    [{ endpoint: null }, 'OPTION', /^endpoint must be an object.* not null/],
    [{ http: { buckets: [1, 0.5] } }, 'OPTION', /^http\.buckets .*\[ 1, 0\.5 \]/],
    [{ http: { buckets: [Number.POSITIVE_INFINITY] } }, 'OPTION', /^http\.buckets/],
    [{ http: { status: 'group' } }, 'OPTION', /^http\.status must be 'code' or 'class'/],
    [{ http: { sizes: 1 } }, 'OPTION', /^http\.sizes/],
    [{ http: { ttfb: 'yes' } }, 'OPTION', /^http\.ttfb/],
    [{ http: { ignore: '/a' } }, 'OPTION', /^http\.ignore/],
    [{ http: { labels: { route: () => '' } } }, 'OPTION', /http\.labels.*different label names/],
    [{ http: { labels: { tenant: 'x' } } }, 'OPTION', /^http\.labels\.tenant must be a function/],
    [{ http: true }, 'OPTION', /^http must be an object/],
    [{ maxSeries: 0 }, 'OPTION', /^maxSeries must be a whole number from 1, not 0/],
    [{ runtime: { gc: 'no' } }, 'OPTION', /^runtime\.gc/],
    [{ exemplars: 'traceparent' }, 'OPTION', /^exemplars/],
    [{ slo: { target: 99.9 } }, 'OPTION', /^slo\.target must be a share/],
    [{ slo: { latencyMs: 300 } }, 'OPTION', /^slo\.latencyMs must be a bound of http\.buckets/],
    [{ slo: { apdexMs: 500 } }, 'OPTION', /^four times slo\.apdexMs .* not 2000/],
  ]
  for (const [options, code, message] of refused) {
    const app = Fastify()
    const registered = async () => await app.register(metrics, options as MetricsOptions)
    await t.rejects(registered, { code: `ERR_METRICS_${code}`, message }, JSON.stringify(options))
  }
  const app = Fastify()
  await t.resolves(async () => await app.register(metrics, { endpoint: false, http: false, runtime: false }))
  t.match((await app.metrics.render()).body.toString(), /metrics_faults_total/)
})
