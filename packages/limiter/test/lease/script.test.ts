import { startRedis, uniquePrefix } from '@steadfast/testing'
import { Redis } from 'ioredis'
import t from 'tap'
import type { LeaseAnswer, LeaseCall } from '../../src/lease/call.js'
import { leaseScript } from '../../src/lease/script.js'
import { script } from '../../src/stores/script.js'
import { bucketOf, seeded } from '../stores/contract.js'
import { LeaseModel } from './model.js'

/** The script as it is, but for its clock. */
const atTime = (text: string) =>
  text.replace("redis.call('TIME')", '{ math.floor(tonumber(ARGV[#ARGV]) / 1000000), tonumber(ARGV[#ARGV]) % 1000000 }')

t.test('3. the script takes and takes back as the model does, at any time', async (t) => {
  const { url } = await startRedis()
  const client = new Redis(url, { keyPrefix: uniquePrefix() })
  t.teardown(() => client.disconnect())
  const text = atTime(leaseScript.text)
  t.not(text, leaseScript.text)

  for (let seed = 1; seed <= 300; seed++) {
    const random = seeded(seed)
    const upTo = (most: number) => Math.floor(random() * (most + 1))
    const bucket = bucketOf(seed % 2 ? 'fixed' : 'sliding', [20_000, 60_000, 600_000][upTo(2)]!)
    const model = new LeaseModel(bucket)
    let nowUs = Math.floor(Date.now() * 1_000)
    let id = 1
    const out: number[] = []
    for (let step = 0; step < 40; step++) {
      nowUs += upTo(1) * upTo(Math.floor(bucket.windowUs / [3, 10, 100][upTo(2)]!))
      const all = Array.from({ length: upTo(2) }, () => ({
        id: out.length > 0 && random() < 0.8 ? out[upTo(out.length - 1)]! : 999,
        unspent: upTo(5) - 1,
        untilMs: 0,
      }))
      const ended = all.filter(({ id }, i) => all.findIndex((other) => other.id === id) === i)
      const need = upTo(1) * upTo(8)
      const [least, want] = [1 + upTo(Math.max(0, need - 1)), upTo(2) * upTo(20)]
      const limit = [1, 10, 40, 40, 40, 1e6][upTo(5)]!
      const call: LeaseCall = { id: id++, bucket, key: 'a', limit, need, least, want, share: 1 + upTo(4), ended }
      out.push(call.id)
      const rest = [bucket.algorithm, limit, bucket.windowUs, need, least, want, call.share, call.id]
      for (const { id, unspent } of ended) rest.push(id, unspent)
      const answer = (await client.eval(text, 1, `${seed}`, ...rest, nowUs)) as number[]
      const [granted, used, validUs, retryUs, resetUs, held] = answer as [
        number,
        number,
        number,
        number,
        number,
        number,
      ]
      const got: LeaseAnswer = { granted, used, validUs, retryUs, resetUs, held }
      const expected = model.call(call, nowUs)
      t.same(got, expected, `seed ${seed}, step ${step}: ${JSON.stringify(call)}`)
      if (JSON.stringify(got) !== JSON.stringify(expected)) return
    }
  }
})

t.test('a hit without a lease keeps the leases that are out', async (t) => {
  const { url } = await startRedis()
  const client = new Redis(url, { keyPrefix: uniquePrefix() })
  t.teardown(() => client.disconnect())
  for (const algorithm of ['fixed', 'sliding'] as const) {
    const lease = (...rest: number[]) =>
      client.eval(leaseScript.text, 1, algorithm, algorithm, 10, 60e6, ...rest) as Promise<number[]>
    t.equal((await lease(0, 1, 4, 1, 7))[0], 4)
    await client.eval(script.text, 1, algorithm, algorithm, 10, 60e6, 10, 1, 1, 0)
    t.equal((await lease(0, 1, 0, 1, 0))[5], 4, `${algorithm}: they are held`)
    t.equal((await lease(0, 1, 0, 1, 0, 7, 3))[1], 2, 'three of them come back')
    t.equal((await lease(0, 1, 0, 1, 0, 7, 3))[1], 2, 'once')
    t.ok((await client.pttl(algorithm)) > 0)
  }
})
