import { forkFixture } from '@steadfast/testing'
import t from 'tap'
import { AddressRanges } from '../src/address/ranges.js'

t.test('a million live keys take at most 100 MB', async (t) => {
  for (const args of [
    ['sliding', 'address', '2'],
    ['sliding', 'name', '1'],
    ['gcra', 'name', '1'],
    ['fixed', 'name', '1'],
  ]) {
    const file = new URL('./fixtures/million-keys.js', import.meta.url)
    const child = await forkFixture(file, { args, execArgv: ['--expose-gc'] })
    t.teardown(() => child.release())
    t.equal((await child.exit).code, 0, child.output())
    const [{ bytes, keys } = { bytes: Infinity, keys: 0 }] = child.reports<{ bytes: number; keys: number }>()
    t.equal(keys, 1_000_000)
    t.ok(bytes <= 100e6, `${args}: ${(bytes / 1e6).toFixed(1)} MB`)
  }
})

t.test('8. a look at 10,000 CIDRs takes less than 2 µs', async (t) => {
  const list = Array.from({ length: 10_000 }, (_, i) =>
    i % 2
      ? `${10 + (i >>> 12)}.${(i >>> 4) & 255}.${(i & 15) * 16}.0/${24 + (i % 8)}`
      : `2001:db8:${i.toString(16)}::/48`,
  )
  const ranges = new AddressRanges(list, (range) => {
    throw new Error(`${range}`)
  })
  const addresses = Array.from({ length: 4_096 }, (_, i) =>
    i % 2 ? `${10 + (i % 6)}.${i & 255}.${(i * 7) & 255}.1` : `2001:db8:${((i * 5) % 12_000).toString(16)}::1`,
  )
  let inside = 0
  const looks = 400_000
  const start = process.cpuUsage()
  for (let i = 0; i < looks; i++) if (ranges.has(addresses[i % addresses.length])) inside++
  const { user, system } = process.cpuUsage(start)
  t.ok(inside > looks / 10 && inside < looks)
  // Five times the bound, for machines that are busy.
  t.ok((user + system) / looks < 10, `${(user + system) / looks} µs`)
})
