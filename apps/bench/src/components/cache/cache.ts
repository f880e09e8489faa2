import type { Comparison } from '../../compare.js'
import { contenders } from '../contender.js'

const inMemory = [
  { module: 'steadfast', about: '@steadfast/cache: getOrSet()' },
  { module: 'bentocache', about: 'getOrSet(), values not serialized' },
  { module: 'async-cache-dedupe', about: 'a defined function' },
  { module: 'cacheable', about: 'getOrSet()' },
]
const inRedis = [
  { module: 'steadfast', about: '@steadfast/cache: getOrSet(), Redis as its only layer' },
  { module: 'bentocache', about: 'getOrSet(), Redis as its only layer' },
  { module: 'async-cache-dedupe', about: 'a defined function, Redis as its only layer' },
  {
    module: 'cacheable',
    about: 'getOrSet() by node-redis, behind the layer in memory that it must have, here of one value',
  },
]
const cost = { name: 'cpuMicros', title: 'CPU µs a get', digits: 2 }
const perSecond = { name: 'perSecond', title: 'gets/s', digits: 0 }

export const cache: Comparison[] = [
  {
    name: 'cache-memory',
    title: 'A get of what is in memory',
    figures: [cost, perSecond],
    contenders: contenders('cache', 'memory', [
      { module: 'lru-cache', about: 'get(), without a promise' },
      { module: 'lru-cache', name: 'lru-cache-awaited', about: 'await get()', options: { awaits: true } },
      { module: 'steadfast', name: 'steadfast-peek', about: '@steadfast/cache: peek()', options: { peeks: true } },
      ...inMemory,
    ]),
  },
  {
    name: 'cache-redis',
    title: 'A get of what is in Redis alone, 64 at a time',
    figures: [
      cost,
      perSecond,
      { name: 'roundTrips', title: 'round trips, alone', digits: 2 },
      { name: 'redisMicros', title: 'Redis CPU µs', digits: 1 },
    ],
    contenders: contenders('cache', 'redis', [{ module: 'ioredis', about: 'GET and JSON.parse' }, ...inRedis], true),
  },
  {
    name: 'cache-stampede',
    title: 'A hundred callers at once for what takes 5 ms to load',
    figures: [cost, { name: 'loads', title: 'loads', digits: 2 }],
    contenders: contenders('cache', 'stampede', [{ module: 'lru-cache', about: 'fetch()' }, ...inMemory]),
  },
]
