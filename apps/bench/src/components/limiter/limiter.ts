import type { Comparison } from '../../compare.js'
import { contenders, type Subject } from '../contender.js'

const subjects: Subject[] = [
  { module: 'rate-limiter-flexible', about: 'a fixed window, consume()' },
  { module: 'fastify-rate-limit', about: 'a fixed window, createRateLimit()' },
  { module: 'steadfast', about: '@steadfast/limiter: a fixed window, check()' },
]
const leased: Subject = {
  module: 'steadfast',
  name: 'steadfast-leased',
  about: 'the same with lease: {}',
  options: { isLeased: true },
}
const cost = [
  { name: 'cpuMicros', title: 'CPU µs a hit', digits: 2 },
  { name: 'perSecond', title: 'hits/s', digits: 0 },
]

export const limiter: Comparison[] = [
  {
    name: 'limiter-memory',
    title: 'A hit on a limit in memory, 10,000 clients',
    figures: cost,
    contenders: contenders('limiter', 'memory', subjects),
  },
  {
    name: 'limiter-redis',
    title: 'A hit on a limit in Redis, 10,000 clients, 64 at a time',
    figures: [
      ...cost,
      { name: 'roundTrips', title: 'round trips, alone', digits: 2 },
      { name: 'redisMicros', title: 'Redis CPU µs', digits: 1 },
    ],
    contenders: contenders('limiter', 'redis', [...subjects, leased], true),
  },
  {
    name: 'limiter-redis-hot',
    title: 'A hit on a limit in Redis, one client, 64 at a time',
    figures: cost,
    contenders: contenders(
      'limiter',
      'redis',
      [...subjects, leased].map((subject) => ({ ...subject, options: { ...subject.options, clients: 1 } })),
      true,
    ),
  },
]
