#!/usr/bin/env node
import { parseArgs } from 'node:util'
import { buckets as bucketsRule, take } from './given.js'
import { secondsBuckets } from './histogram.js'
import { prefixRule } from './options.js'
import { dashboard } from './slo/dashboard.js'
import { resolveObjective } from './slo/objective.js'
import { rules } from './slo/rules.js'

const usage = `steadfast-metrics rules|dashboard [options]

rules       recording and alerting rules for Prometheus, as YAML
dashboard   a dashboard for Grafana, as JSON

  --target 0.999        the share of requests that must be good
  --latency-ms 500      how fast an answer must be; a bound of the buckets
  --apdex-ms MS         adds Apdex, by this threshold; a bound of the buckets, as is four times it
  --buckets A,B,C       what the app has as http.buckets, in seconds, if not the default
  --prefix TEXT         what the app has as prefix
  --gc                  dashboard: the app has runtime.gc`

function run(args: string[]): string {
  const options = {
    target: { type: 'string' },
    'latency-ms': { type: 'string' },
    'apdex-ms': { type: 'string' },
    buckets: { type: 'string' },
    prefix: { type: 'string' },
    gc: { type: 'boolean', default: false },
    help: { type: 'boolean' },
  } as const
  const { values, positionals } = parseArgs({ args, options, allowPositionals: true })
  if (values.help) return usage
  const buckets = take('--buckets', values.buckets?.split(',').map(Number), bucketsRule) ?? secondsBuckets
  const prefix = take('--prefix', values.prefix, prefixRule, '')
  const numbers = {
    ...(values.target !== undefined && { target: Number(values.target) }),
    ...(values['latency-ms'] !== undefined && { latencyMs: Number(values['latency-ms']) }),
    ...(values['apdex-ms'] !== undefined && { apdexMs: Number(values['apdex-ms']) }),
  }
  const objective = resolveObjective(numbers, buckets)
  const [what, ...more] = positionals
  if (what === 'rules' && more.length === 0) return rules(objective, prefix).trimEnd()
  if (what === 'dashboard' && more.length === 0) {
    return JSON.stringify(dashboard(objective, prefix, values.gc), undefined, 2)
  }
  throw new Error(what === undefined ? 'say what to write' : `there is no ${positionals.join(' ')}`)
}

try {
  process.stdout.write(`${run(process.argv.slice(2))}\n`)
} catch (error) {
  const { code, message } = error as NodeJS.ErrnoException
  process.stderr.write(`${code ? `${code}: ` : ''}${message}\n\n${usage}\n`)
  process.exitCode = 1
}
