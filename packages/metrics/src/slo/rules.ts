import type { Objective } from './objective.js'
import { apdexOf, badShares, queriesFor } from './queries.js'

/** https://sre.google/workbook/alerting-on-slos, table 5-8: how fast the budget of 30 days burns, over two windows each. */
const burns = {
  page: [
    { factor: 14.4, long: '1h', short: '5m' },
    { factor: 6, long: '6h', short: '30m' },
  ],
  ticket: [
    { factor: 3, long: '1d', short: '2h' },
    { factor: 1, long: '3d', short: '6h' },
  ],
}

const windows = ['5m', '30m', '1h', '2h', '6h', '1d', '3d']

/** Fewer requests than these are no ground to wake anybody, whatever their share. */
const leastBad = 10

interface Rule {
  record?: string
  alert?: string
  expr: string
  labels?: Record<string, string>
  annotations?: Record<string, string>
}

/** Recording rules for the objective, and alerts on how fast its budget burns; in one group, for these read those. */
export function rules(objective: Objective, prefix: string): string {
  const all = [...records(objective, prefix), ...alerts(objective, prefix)]
  return `groups:\n  - name: ${prefix}http_slo\n    rules:\n${all.map(toYaml).join('')}`
}

function records(objective: Objective, prefix: string): Rule[] {
  const { answered, failed, within, rate } = queriesFor(prefix)
  const shares = windows.flatMap((window) => {
    const { errors, latency } = badShares(objective, prefix, window)
    const record = `job_sli:${prefix}http_bad_requests:ratio_rate${window}`
    return [
      { record, expr: errors, labels: { sli: 'errors' } },
      { record, expr: latency, labels: { sli: 'latency' } },
    ]
  })
  const counts = [...burns.page, ...burns.ticket].flatMap(({ long }) => {
    const record = `job_sli:${prefix}http_bad_requests:increase${long}`
    const increase = (series: string) => rate(series, long).replace('rate(', 'increase(')
    const slow = `${increase(answered)} - ${increase(within(objective.latency))}`
    return [
      { record, expr: increase(failed), labels: { sli: 'errors' } },
      { record, expr: slow, labels: { sli: 'latency' } },
    ]
  })
  const apdex = objective.apdex
  const satisfied = apdex && { record: `job:${prefix}http_apdex:rate5m`, expr: apdexOf(apdex, prefix, '5m') }
  return [...shares, ...counts, ...(satisfied ? [satisfied] : [])]
}

function alerts({ target }: Objective, prefix: string): Rule[] {
  const budget = Number((1 - target).toPrecision(12))
  const name = `job_sli:${prefix}http_bad_requests`
  return (['page', 'ticket'] as const).map((severity) => {
    const burning = burns[severity].map(({ factor, long, short }) => {
      const limit = Number((factor * budget).toPrecision(12))
      return `(\n  ${name}:ratio_rate${long} > ${limit}\n  and ${name}:ratio_rate${short} > ${limit}\n  and ${name}:increase${long} >= ${leastBad}\n)`
    })
    return {
      alert: severity === 'page' ? 'HttpErrorBudgetBurnsFast' : 'HttpErrorBudgetBurnsSlowly',
      expr: burning.join('\nor\n'),
      labels: { severity },
      annotations: {
        summary: `{{ $labels.job }} burns its error budget (SLI: {{ $labels.sli }})`,
        description: `{{ $value | humanizePercentage }} of requests miss the objective of ${Number((target * 100).toPrecision(12))} %.`,
      },
    }
  })
}

function toYaml({ record, alert, expr, labels = {}, annotations = {} }: Rule): string {
  const map = (key: string, values: Record<string, string>) => {
    const lines = Object.entries(values).map(([name, value]) => `          ${name}: '${value}'\n`)
    return lines.length > 0 ? `        ${key}:\n${lines.join('')}` : ''
  }
  const head = record ? `record: ${record}` : `alert: ${alert}`
  const body = expr.split('\n').map((line) => `          ${line}\n`)
  return `      - ${head}\n        expr: |\n${body.join('')}${map('labels', labels)}${map('annotations', annotations)}`
}
