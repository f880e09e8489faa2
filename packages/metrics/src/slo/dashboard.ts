import type { Objective } from './objective.js'
import { apdexOf, badShares, queriesFor } from './queries.js'

interface Panel {
  title: string
  /** Grafana's name of it. */
  unit: string
  queries: [legend: string, expr: string][]
}

/**
 * A dashboard of the requests, their objective, the process and its pools, for Grafana 10 and later.
 * @param hasGarbage whether the app tells of its garbage collections
 */
export function dashboard(objective: Objective, prefix: string, hasGarbage: boolean): object {
  const window = '$__rate_interval'
  const panels = [
    ...requestPanels(objective, prefix, window),
    ...processPanels(prefix, window),
    ...(hasGarbage ? [garbagePanel(prefix, window)] : []),
    ...poolPanels(prefix),
  ]
  return {
    title: 'Fastify',
    uid: `steadfast-${prefix}metrics`,
    tags: ['fastify', 'steadfast'],
    schemaVersion: 39,
    editable: true,
    refresh: '30s',
    time: { from: 'now-6h', to: 'now' },
    templating: { list: [{ name: 'datasource', type: 'datasource', query: 'prometheus' }] },
    panels: panels.map(toGrafana),
  }
}

function requestPanels(objective: Objective, prefix: string, window: string): Panel[] {
  const { all, answered } = queriesFor(prefix)
  const duration = `${prefix}http_request_duration_seconds`
  const quantile = (q: number) =>
    `histogram_quantile(${q}, sum by (le) (rate(${duration}_bucket{status_code!="499"}[${window}])))`
  const { errors, latency } = badShares(objective, prefix, window)
  const { apdex } = objective
  return [
    {
      title: 'Requests',
      unit: 'reqps',
      queries: [['{{status_code}}', `sum by (status_code) (rate(${duration}_count[${window}]))`]],
    },
    {
      title: 'Requests that miss the objective',
      unit: 'percentunit',
      queries: [
        ['{{job}} errors', errors],
        ['{{job}} latency', latency],
      ],
    },
    { title: 'Durations', unit: 's', queries: [0.5, 0.95, 0.99].map((q) => [`p${q * 100}`, quantile(q)]) },
    {
      title: 'Slowest routes (p95)',
      unit: 's',
      queries: [
        [
          '{{route}}',
          `topk(5, histogram_quantile(0.95, sum by (le, route) (rate(${duration}_bucket{status_code!="499"}[${window}]))))`,
        ],
      ],
    },
    {
      title: 'Busiest routes',
      unit: 'reqps',
      queries: [['{{method}} {{route}}', `topk(5, sum by (method, route) (rate(${answered}[${window}])))`]],
    },
    {
      title: 'Failures by route',
      unit: 'reqps',
      queries: [
        ['{{method}} {{route}}', `sum by (method, route) (rate(${duration}_count{status_code=~"5.."}[${window}])) > 0`],
      ],
    },
    {
      title: 'Aborted requests',
      unit: 'reqps',
      queries: [['{{phase}} by {{by}}', `sum by (phase, by) (rate(${prefix}http_requests_aborted_total[${window}]))`]],
    },
    {
      title: 'Requests in flight',
      unit: 'short',
      queries: [['{{instance}}', `${prefix}http_requests_in_flight`]],
    },
    ...(apdex
      ? [{ title: 'Apdex', unit: 'none', queries: [['{{job}}', apdexOf(apdex, prefix, window)]] } as Panel]
      : []),
    { title: 'Requests in all', unit: 'short', queries: [['{{job}}', `sum by (job) (increase(${all}[$__range]))`]] },
  ]
}

function processPanels(prefix: string, window: string): Panel[] {
  return [
    {
      title: 'CPU',
      unit: 'percentunit',
      queries: [['{{instance}}', `rate(${prefix}process_cpu_seconds_total[${window}])`]],
    },
    {
      title: 'Memory',
      unit: 'bytes',
      queries: [
        ['{{instance}} resident', `${prefix}process_resident_memory_bytes`],
        ['{{instance}} heap', `${prefix}nodejs_heap_size_used_bytes`],
      ],
    },
    {
      title: 'Event loop delay',
      unit: 's',
      queries: [
        ['{{instance}} p99', `${prefix}nodejs_eventloop_lag_p99_seconds`],
        ['{{instance}} max', `${prefix}nodejs_eventloop_lag_max_seconds`],
      ],
    },
    {
      title: 'Event loop utilization',
      unit: 'percentunit',
      queries: [['{{instance}}', `rate(${prefix}nodejs_eventloop_active_seconds_total[${window}])`]],
    },
    {
      title: 'Metrics that overflow or fail',
      unit: 'short',
      queries: [
        ['{{metric}} overflows', `increase(${prefix}metrics_overflows_total[${window}]) > 0`],
        ['{{part}} fails', `increase(${prefix}metrics_faults_total[${window}]) > 0`],
      ],
    },
  ]
}

function garbagePanel(prefix: string, window: string): Panel {
  return {
    title: 'Garbage collection',
    unit: 'percentunit',
    queries: [['{{instance}} {{kind}}', `rate(${prefix}nodejs_gc_duration_seconds_sum[${window}])`]],
  }
}

function poolPanels(prefix: string): Panel[] {
  return [
    {
      title: 'PostgreSQL pools',
      unit: 'short',
      queries: [
        ['{{pool}} connections', `${prefix}pg_pool_connections`],
        ['{{pool}} idle', `${prefix}pg_pool_idle_connections`],
        ['{{pool}} waiting', `${prefix}pg_pool_waiting_requests`],
      ],
    },
    {
      title: 'Redis',
      unit: 's',
      queries: [
        ['{{pool}} PING', `${prefix}redis_ping_duration_seconds`],
        ['{{pool}} waiting commands', `${prefix}redis_waiting_commands`],
      ],
    },
  ]
}

function toGrafana({ title, unit, queries }: Panel, index: number): object {
  const datasource = { type: 'prometheus', uid: '$' + '{datasource}' }
  const [width, height] = [12, 8]
  return {
    id: index + 1,
    type: 'timeseries',
    title,
    datasource,
    gridPos: { x: (index % 2) * width, y: Math.trunc(index / 2) * height, w: width, h: height },
    fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
    targets: queries.map(([legendFormat, expr], i) => ({
      refId: String.fromCharCode(65 + i),
      datasource,
      expr,
      legendFormat,
    })),
  }
}
