import { rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { mountDisk, waitFor } from '@steadfast/testing'
import Fastify from 'fastify'
import t from 'tap'
import health, { type CheckResult, diskCheck } from '../src/index.js'

const signal = new AbortController().signal

t.test('a full disk fails the check, and so do inodes that run out', async (t) => {
  const disk = await mountDisk()
  t.teardown(() => disk.release())
  const bytes = diskCheck({ path: disk.path, minFreeBytes: 65_536, everyMs: 50, failAfter: 1, kind: 'critical' })
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(health, { checks: { bytes } })
  await app.ready()
  const until = (status: number) => waitFor(async () => (await app.inject('/readyz')).statusCode === status)
  await until(200)
  const { observedValue = 0, observedUnit } = app.health.status().checks.bytes ?? {}
  t.equal(observedUnit, 'bytes')
  t.ok(observedValue > 65_536 && observedValue <= 262_144, `${observedValue} bytes free`)
  disk.fill()
  await until(503)
  t.match(app.health.status().checks.bytes, { output: `0 bytes free on ${disk.path}, below 65536`, observedValue: 0 })
  disk.makeSpace()
  await until(200)

  const { ffree } = statfsSync(disk.path)
  const inodes = diskCheck({ path: disk.path, minFreeInodes: ffree - 10 })
  t.equal(inodes.kind, 'degraded')
  const run = async () => (await inodes.run(signal)) as CheckResult
  t.match(await run(), { status: 'pass' })
  const files = Array.from({ length: 20 }, (_, i) => join(disk.path, `${i}`))
  for (const file of files) writeFileSync(file, '')
  const least = ffree - 10
  t.match(await run(), { status: 'fail', output: `${ffree - 20} inodes free on ${disk.path}, below ${least}` })
  for (const file of files) rmSync(file)
  t.match(await run(), { status: 'pass' })
})

t.test('a path that is not there fails it, and a file system without a number of inodes has enough', async (t) => {
  await t.rejects(diskCheck({ path: '/no/such', minFreeBytes: 1 }).run(signal) as Promise<unknown>, { code: 'ENOENT' })
  // proc(5) has neither blocks nor inodes.
  t.match(await diskCheck({ path: '/proc', minFreeInodes: 1_000 }).run(signal), { status: 'pass' })
  t.match(await diskCheck({ path: '/proc', minFreeBytes: 1 }).run(signal), { status: 'fail' })
})
