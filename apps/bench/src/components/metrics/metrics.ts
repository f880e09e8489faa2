import type { Comparison } from '../../compare.js'
import { contenders } from '../contender.js'

const peers = [
  { module: 'prom-client', about: 'a histogram' },
  { module: 'platformatic', name: '@platformatic/prom-client', about: 'a histogram of its faster fork' },
]
const steadfast = {
  module: 'steadfast',
  about: '@steadfast/metrics: a histogram, its series bound as the plugin does it',
}

export const metrics: Comparison[] = [
  {
    name: 'metrics-record',
    title: 'The duration of a request, by method, route and status',
    figures: [
      { name: 'cpuMicros', title: 'CPU µs a record', digits: 3 },
      { name: 'perSecond', title: 'records/s', digits: 0 },
    ],
    contenders: contenders('metrics', 'record', [
      ...peers,
      {
        module: 'prom-client',
        name: 'prom-client-summary',
        about: 'a histogram and a summary, as fastify-metrics keeps them',
        options: { summary: true },
      },
      steadfast,
    ]),
  },
  {
    name: 'metrics-scrape',
    title: 'A scrape of 10,000 combinations of labels',
    figures: [
      { name: 'cpuMs', title: 'CPU ms a scrape', digits: 1 },
      { name: 'delayMs', title: 'longest event loop delay ms', digits: 1 },
      { name: 'mib', title: 'MiB', digits: 1 },
    ],
    contenders: contenders('metrics', 'scrape', [...peers, steadfast]),
  },
]
