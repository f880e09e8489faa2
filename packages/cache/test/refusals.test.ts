import { waitFor } from '@steadfast/testing'
import Fastify from 'fastify'
import { Redis } from 'ioredis'
import t from 'tap'
import cachePlugin, { type CacheOptions, createCache, type EntryOptions } from '../src/index.js'
import { client, opened, share } from './open.js'

t.test('11. bad options are thrown, with code, name and value', async (t) => {
  const { url } = await share(t)
  const redis = client(t, url)
  const wrong: [options: unknown, code: 'OPTION' | 'UNKNOWN_OPTION', message: string][] = [
    [{ ttl: 5 }, 'UNKNOWN_OPTION', 'ttl is no option; there are keyPrefix, redis,'],
    [{ redis: {} }, 'OPTION', 'redis must be a client of ioredis: an object with get, mget,'],
    [{ redis, subscriber: {} }, 'OPTION', 'subscriber must be a client of ioredis'],
    [{ redis, subscriber: redis }, 'OPTION', 'subscriber must be a client of its own, not redis itself'],
    [{ subscriber: redis }, 'OPTION', 'subscriber must be left out where there is no backplane'],
    [{ backplane: true }, 'OPTION', 'backplane must be false where there is no redis, not true'],
    [{ backplane: 'yes' }, 'OPTION', "backplane must be true or false, not 'yes'"],
    [{ keyPrefix: 'a{}' }, 'OPTION', 'keyPrefix must be a text without {}'],
    [{ keyPrefix: 5 }, 'OPTION', 'keyPrefix must be'],
    [{ version: 2 }, 'OPTION', 'version must be a text, not 2'],
    [{ l1: true }, 'OPTION', 'l1 must be an object, not true'],
    [{ l1: { max: 5 } }, 'UNKNOWN_OPTION', 'l1.max is no option; there are maxEntries,'],
    [{ l1: { maxEntries: 0 } }, 'OPTION', 'l1.maxEntries must be a whole number from 1, not 0'],
    [{ l1: { maxBytes: '1mb' } }, 'OPTION', "l1.maxBytes must be a whole number from 1, not '1mb'"],
    [{ l1: { leaseMs: 100 } }, 'OPTION', 'l1.leaseMs must be a number of milliseconds from 500 to 2147483647, not 100'],
    [{ l1: { leaseMs: 1e12 } }, 'OPTION', 'from 500 to 2147483647, not 1000000000000'],
    [{ l1: { whenDetached: 'hope' } }, 'OPTION', "l1.whenDetached must be 'load' or 'serve', not 'hope'"],
    [{ l2TimeoutMs: 0 }, 'OPTION', 'l2TimeoutMs must be a number of milliseconds from 1'],
    [{ breaker: { threshold: 5 } }, 'UNKNOWN_OPTION', 'breaker.threshold is no option'],
    [{ breaker: { failures: -1 } }, 'OPTION', 'breaker.failures must be'],
    [{ lock: true }, 'OPTION', 'lock must be an object, not true'],
    [{ lock: { ttlMs: -1 } }, 'OPTION', 'lock.ttlMs must be'],
    [{ serializer: {} }, 'OPTION', 'serializer must be an object with stringify and parse'],
    [{ maxValueBytes: 0.5 }, 'OPTION', 'maxValueBytes must be a whole number'],
    [{ defaults: { ttlMs: 0 } }, 'OPTION', 'defaults.ttlMs must be a number of milliseconds from 1'],
    [{ defaults: { ttl: 1 } }, 'UNKNOWN_OPTION', 'defaults.ttl is no option; there are ttlMs,'],
  ]
  for (const [options, code, message] of wrong) {
    const expected = { code: `ERR_CACHE_${code}`, message }
    t.throws(() => createCache(options as CacheOptions), expected, message)
    const app = Fastify()
    await t.rejects(async () => app.register(cachePlugin, options as CacheOptions), expected)
  }
  const cache = await opened(t, {})
  const entries: [options: unknown, code: 'OPTION' | 'UNKNOWN_OPTION', message: string][] = [
    [{ ttlMs: '1m' }, 'OPTION', "ttlMs must be a number of milliseconds from 1 to 2147483647, not '1m'"],
    [{ ttlMs: Number.NaN }, 'OPTION', 'ttlMs must be'],
    [{ grace: 5 }, 'UNKNOWN_OPTION', 'grace is no option; there are ttlMs,'],
    [{ ttlMs: 5, graceMs: -1 }, 'OPTION', 'graceMs must be'],
    [{ ttlMs: 5, jitter: 1 }, 'OPTION', 'jitter must be a share, from 0 and below 1, not 1'],
    [{ ttlMs: 5, refreshAheadMs: 5 }, 'OPTION', 'refreshAheadMs must be below ttlMs, 5, not 5'],
    [{ ttlMs: 5, tags: 'tag' }, 'OPTION', 'tags must be a list of texts'],
    [{ ttlMs: 5, tags: [''] }, 'OPTION', 'tags must be a list of texts'],
    [5, 'OPTION', 'the options must be an object, not 5'],
    [null, 'OPTION', 'the options must be an object, not null'],
  ]
  for (const [i, [options, code, message]] of entries.entries()) {
    const expected = { code: `ERR_CACHE_${code}`, message }
    await t.rejects(
      cache.getOrSet(`k${i}`, () => 1, options as EntryOptions),
      expected,
      message,
    )
    await t.rejects(cache.set('key', 1, options as EntryOptions), expected, message)
  }
  const bare = createCache()
  t.teardown(() => bare.close())
  await t.rejects(bare.set('key', 1), { code: 'ERR_CACHE_OPTION', message: 'ttlMs must be' })
  await t.rejects(cache.delete('key', { confirmed: true } as never), { code: 'ERR_CACHE_UNKNOWN_OPTION' })
  await t.rejects(cache.delete('key', { confirm: 1 } as never), { code: 'ERR_CACHE_OPTION' })
  await t.rejects(cache.invalidateTags('tag' as never), { code: 'ERR_CACHE_OPTION' })
  await t.rejects(cache.invalidateTags(undefined as never), { code: 'ERR_CACHE_OPTION' })
  await t.rejects(cache.getOrSet('key', 5 as never), {
    code: 'ERR_CACHE_OPTION',
    message: 'the loader must be a function',
  })
  for (const name of ['', 5, undefined, 'a\0b', '\ud800', 'x'.repeat(513)]) {
    t.throws(() => cache.namespace(name as string), { code: 'ERR_CACHE_OPTION' })
  }
  t.throws(() => cache.on('hits' as 'hit', () => {}), { code: 'ERR_CACHE_OPTION' })
  t.throws(() => cache.on('hit', 4 as never), { code: 'ERR_CACHE_OPTION', message: 'must be a function, not 4' })
})

t.test('a refusal tells no secret', async (t) => {
  const redis = new Redis({ lazyConnect: true, password: 'S3CRET' })
  for (const options of [
    { redis, subscriber: redis },
    { subscriber: redis },
    { redis: { host: 'h', password: 'S3CRET' } },
    { redis: 'redis://:S3CRET@h' },
    { redis, subscriber: { password: 'S3CRET' } },
  ]) {
    const message = await Promise.resolve()
      .then(() => createCache(options as never))
      .catch((error) => error.message)
    t.match(message, /^(redis|subscriber) must be .*, not (a string|an object of \w+)$/)
  }
})

t.test('a refused cache leaves no connection behind', async (t) => {
  const redis = new Redis({ lazyConnect: true })
  let duplicates = 0
  redis.duplicate = () => {
    duplicates++
    throw new Error('a connection that nobody closes')
  }
  for (const options of [{ defaults: { ttl: 5 } }, { serializer: {} }, { version: 5 }, { foo: 1 }]) {
    t.throws(() => createCache({ redis, ...options } as never), { code: /^ERR_CACHE_/ })
  }
  t.equal(duplicates, 0)
})

t.test('11. bad keys are refused with a code', async (t) => {
  const cache = await opened(t, {})
  for (const key of [
    '',
    'x'.repeat(10_240),
    'é'.repeat(600),
    'a\0b',
    'a\ud800',
    '\udc00b',
    5,
    undefined,
    null,
    {},
    ['a'],
    Symbol('key'),
  ]) {
    const bad = key as string
    const expected = { code: 'ERR_CACHE_KEY' }
    for (const space of [cache, cache.namespace('space')]) {
      await t.rejects(
        space.getOrSet(bad, () => 1),
        expected,
      )
      await t.rejects(space.get(bad), expected)
      await t.rejects(space.getMany([bad]), expected)
      await t.rejects(space.set(bad, 1), expected)
      t.equal(space.peek(bad), undefined)
    }
    await t.rejects(cache.delete([bad]), expected)
    if (!Array.isArray(key)) await t.rejects(cache.delete(bad), expected)
  }
  t.equal(await cache.getOrSet('x'.repeat(1_024), () => 1), 1)
  t.equal(await cache.getOrSet('{}*?[a] 😀\n', () => 2), 2)
})

t.test('11. a loader that returns what has no text: an error with a code', async (t) => {
  const { open } = await share(t)
  for (const cache of [await open(), await opened(t, {})]) {
    const cycle: Record<string, unknown> = {}
    cycle.self = cycle
    const options = { ttlMs: 1_000, errorBackoffMs: 0 }
    for (const value of [() => {}, cycle, 10n, Symbol('value')]) {
      await t.rejects(
        cache.getOrSet<unknown>('key', () => value, options),
        { code: 'ERR_CACHE_VALUE', message: '"key"' },
      )
      await t.rejects(cache.set('key', value), { code: 'ERR_CACHE_VALUE' })
    }
    await t.rejects(cache.set('key', undefined), { code: 'ERR_CACHE_VALUE' })
    t.equal(await cache.getOrSet('key', () => 'well', options), 'well')
  }
})

t.test('11. a loader that ignores its signal breaks nothing', async (t) => {
  const { open } = await share(t)
  const cache = await open()
  let finish: (value: string) => void = () => {}
  const late = new Promise<string>((resolve) => {
    finish = resolve
  })
  const ignores = () => late
  const options = { ttlMs: 60_000, hardTimeoutMs: 50, errorBackoffMs: 0 }
  await t.rejects(cache.getOrSet('key', ignores, options), { code: 'ERR_CACHE_LOAD_TIMEOUT', statusCode: 503 })
  t.equal(await cache.getOrSet('key', () => 'second'), 'second')
  finish('first, late')
  await late // and what it does when it is settled
  await new Promise(setImmediate)
  t.equal(await cache.getOrSet('key', () => 'third'), 'second')
  t.equal(await (await open()).get('key'), 'second')
  const throws = () => {
    throw 'a text'
  }
  await t.rejects(
    cache.getOrSet('throws', throws).then(
      () => t.fail(),
      (error) => Promise.reject(new Error(error)),
    ),
  )
})

t.test('events and errors name keys as the caller does', async (t) => {
  const { open } = await share(t)
  const [a, b] = [await open(), await open()]
  const heard: unknown[] = []
  const space = a.namespace('space')
  for (const event of ['hit', 'miss', 'load'] as const) {
    a.on(event, ({ namespace, key }) => heard.push([event, namespace, key]))
  }
  await b.namespace('space').set('stored', 1)
  for (let i = 0; i < 2; i++) await space.getOrSet('stored', () => 2)
  await space.getOrSet('missing', () => 2)
  await waitFor(() => heard.length === 4)
  t.same(heard.toSorted(), [
    ['hit', 'space', 'stored'],
    ['hit', 'space', 'stored'],
    ['load', 'space', 'missing'],
    ['miss', 'space', 'missing'],
  ])
  await t.rejects(
    space.getOrSet('bad', () => 1n),
    { code: 'ERR_CACHE_VALUE', message: 'the value of "bad"' },
  )
  const slow = { ttlMs: 1_000, hardTimeoutMs: 10 }
  await t.rejects(
    space.getOrSet('slow', () => new Promise(() => {}), slow),
    { message: 'the loader of "slow"' },
  )
})

t.test('what listens may fail', async (t) => {
  const cache = await opened(t, {})
  const loud = () => {
    throw new Error('listener')
  }
  cache.on('miss', loud).on('load', loud)
  t.equal(await cache.getOrSet('key', () => 1), 1)
  cache.off('miss', loud)
})
