import type { Comparison } from '../../compare.js'
import { contenders } from '../contender.js'

export const logging: Comparison[] = [
  {
    name: 'logging',
    title: 'An access line into a file',
    figures: [
      { name: 'cpuMicros', title: 'CPU µs a line', digits: 2 },
      { name: 'callerMicros', title: 'of the caller µs', digits: 2 },
      { name: 'perSecond', title: 'lines/s', digits: 0 },
      { name: 'rssMiB', title: 'highest RSS MiB', digits: 0 },
      { name: 'tornLines', title: 'lines torn between files', digits: 0 },
    ],
    contenders: contenders('logging', 'line', [
      { module: 'pino', about: 'pino.destination(), a write for each line', options: { sync: true } },
      { module: 'pino', name: 'pino-async', about: 'the same, asynchronous, 4 KB at a time', options: { sync: false } },
      { module: 'steadfast', about: '@steadfast/logging 20 MB and daily, secrets taken out' },
      { module: 'pino-roll', about: 'pino-roll 20 MB and daily, in a worker thread' },
      { module: 'winston', name: 'winston-daily-rotate-file', about: 'winston, JSON, 20 MB and daily' },
    ]),
  },
]
