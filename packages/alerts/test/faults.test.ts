import { appendFile, readdir, readFile, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { mountDisk, waitFor } from '@steadfast/testing'
import t from 'tap'
import { RealClock } from '../src/clock.js'
import { Journal } from '../src/spool/journal.js'
import { newOwner } from '../src/spool/owner.js'
import { decode } from '../src/spool/record.js'
import { down, newFolder, remembering, startApp } from './receivers.js'

const journals = async (dir: string) => (await readdir(dir)).filter((file) => file.endsWith('.journal'))
const failing = () => remembering('memory', { send: () => Promise.reject(new Error('down')) })

t.test(
  '2: a full disk: fire() resolves, requests are answered, it is said once, and all is written after',
  async (t) => {
    const disk = await mountDisk()
    t.teardown(() => disk.release())
    const lines: string[] = []
    const app = await startApp(t, { channels: [failing()], spool: { dir: join(disk.path, 'spool') } }, lines, (app) => {
      app.get('/', async () => {
        const key = await app.alerts.fire({ ...down, labels: { at: 'request' } })
        return { key }
      })
    })
    await app.alerts.fire({ ...down, name: 'before' })
    disk.fill()
    for (let n = 0; n < 50; n++) {
      t.type(await app.alerts.fire({ ...down, name: `n${n}`, details: { text: 'x'.repeat(500) } }), 'string')
    }
    const startMs = performance.now()
    const response = await app.inject('/')
    t.equal(response.statusCode, 200)
    t.ok(performance.now() - startMs < 3_000)
    t.equal(lines.filter((line) => line.includes('the spool can’t be written')).length, 1)
    t.match(lines.join(''), /ENOSPC/)
    t.equal(app.alerts.stats().firing, 52)

    disk.makeSpace()
    // Nothing else happens: it is written by itself.
    await waitFor(() => lines.some((line) => line.includes('the spool can be written again')))
    const [file] = await journals(join(disk.path, 'spool'))
    const { entries, lostBytes } = decode(await readFile(join(disk.path, 'spool', file!)))
    t.equal(new Set(entries.map(([id]) => id)).size, 52)
    t.equal(lostBytes, 0)
  },
)

t.test('2: what is torn at the end of a journal costs nothing that was written before it', async (t) => {
  for (const torn of [Buffer.alloc(4_096), 'garbage']) {
    const dir = await newFolder()
    const app = await startApp(t, { channels: [failing()], spool: { dir }, flushMs: 50 })
    for (let n = 0; n < 10; n++) await app.alerts.fire({ ...down, name: `n${n}` })
    await app.close()
    await appendFile(join(dir, (await journals(dir))[0]!), torn)
    const again = await startApp(t, { channels: [failing()], spool: { dir }, flushMs: 50 })
    t.equal(again.alerts.stats().firing, 10)
  }
})

t.test('2: a journal that somebody has taken away is written anew', async (t) => {
  const dir = await newFolder()
  const journal = new Journal(dir, newOwner('app'), 1_000_000)
  await journal.set('i:a', 1)
  await unlink(join(dir, (await journals(dir))[0]!))
  t.equal(await journal.touch(), true)
  const [file] = await journals(dir)
  t.same(decode(await readFile(join(dir, file!))).entries, [['i:a', 1]])
  t.equal(await journal.touch(), false)
  await journal.close()
})

t.test('2: a folder that several services share: none tells what another has left', async (t) => {
  const dir = await newFolder()
  const shop = await startApp(t, { service: 'shop', channels: [failing()], spool: { dir }, flushMs: 50 })
  await shop.alerts.fire(down)
  await shop.close()
  const memory = remembering()
  const billing = await startApp(t, { service: 'billing', channels: [memory], spool: { dir } })
  t.equal(billing.alerts.stats().firing, 0)
  const again = await startApp(t, { service: 'shop', channels: [failing()], spool: { dir }, flushMs: 50 })
  t.equal(again.alerts.stats().firing, 1)
  t.same(memory.told, [])
})

t.test('a clock that is set back holds up nothing', async (t) => {
  const { now } = Date
  t.teardown(() => Object.assign(Date, { now }))
  const memory = remembering()
  const app = await startApp(t, { channels: [memory] })
  await app.alerts.fire({ ...down, name: 'before' })
  await waitFor(() => memory.told.length === 1)
  Date.now = () => now() - 3_600_000
  await app.alerts.fire({ ...down, name: 'after' })
  await waitFor(() => memory.told.length === 2)
  await app.alerts.resolve({ name: 'after' })
  await waitFor(() => memory.told.length === 3)
  const clock = new RealClock()
  const before = clock.nowMs()
  Date.now = () => now() + 3_600_000
  t.ok(clock.nowMs() - before >= 7_199_000, 'one that is set forward is followed')
})
