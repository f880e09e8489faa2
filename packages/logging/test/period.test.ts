import { existsSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { waitFor } from '@steadfast/testing'
import t, { type Test } from 'tap'
import type { Clock } from '../src/rolling/clock.js'
import { endOf, startOf } from '../src/rolling/period.js'
import { RollingFile } from '../src/rolling/rolling-file.js'
import { logFiles, newFolder } from './log-files.js'

process.env.TZ = 'Europe/Berlin'

/** A clock that is turned by hand; timers fire as they come due. */
class FakeClock implements Clock {
  ms: number
  timers: { atMs: number; callback: () => void }[] = []

  constructor(iso: string) {
    this.ms = Date.parse(iso)
  }

  nowMs = () => this.ms

  after(ms: number, callback: () => void): () => void {
    if (!(ms <= 2_147_483_647)) throw new Error(`no timer takes ${ms} ms`)
    const timer = { atMs: this.ms + ms, callback }
    this.timers.push(timer)
    return () => {
      this.timers = this.timers.filter((other) => other !== timer)
    }
  }

  turnTo(iso: string): void {
    const endMs = Date.parse(iso)
    for (;;) {
      const [next] = this.timers.filter(({ atMs }) => atMs <= endMs).sort((a, b) => a.atMs - b.atMs)
      if (!next) break
      this.timers = this.timers.filter((other) => other !== next)
      this.ms = Math.max(this.ms, next.atMs)
      next.callback()
    }
    this.ms = endMs
  }
}

function open(t: Test, clock: Clock, options: Partial<ConstructorParameters<typeof RollingFile>[0]> = {}) {
  const folder = newFolder(t)
  const path = join(folder, 'app.log')
  const start = () =>
    new RollingFile({
      path,
      mode: 0o640,
      symlink: undefined,
      flushMs: 100,
      maxBufferBytes: 1e6,
      sizeBytes: Infinity,
      every: 'day',
      utc: false,
      gzip: false,
      dateFormat: 'yyyy-MM-dd',
      retain: { files: Infinity, ageMs: Infinity, totalBytes: Infinity },
      onDiskFull: 'drop',
      clock,
      onResume: () => {},
      onTrouble: () => {},
      ...options,
    })
  return { folder, path, start }
}

const flushed = (file: RollingFile) => new Promise<void>((resolve) => file.flush(() => resolve()))
const names = (folder: string) => logFiles(folder).map(({ name }) => name)

t.test('rolls at midnight, local or UTC, also when nothing is logged then', async (t) => {
  for (const utc of [false, true]) {
    const clock = new FakeClock('2026-06-10T12:00:00Z')
    const { folder, start } = open(t, clock, { utc })
    const file = start()
    file.write('one\n')
    await flushed(file)
    const [before, after] = utc
      ? ['2026-06-10T23:59:59Z', '2026-06-11T00:00:00Z']
      : ['2026-06-10T21:59:59Z', '2026-06-10T22:00:00Z']
    clock.turnTo(before)
    await flushed(file)
    t.same(names(folder), ['app.log'])
    clock.turnTo(after)
    await waitFor(() => names(folder).length === 2)
    t.same(names(folder), ['app.2026-06-10.0001.log', 'app.log'])
    file.write('two\n')
    await file.close()
    t.same(
      logFiles(folder).map(({ text }) => text),
      ['one\n', 'two\n'],
    )
  }
})

t.test('a day of 25 hours is one day, and so is one of 23', async (t) => {
  for (const day of ['2026-10-25', '2026-03-29']) {
    const midnight = new Date(`${day}T00:00:00`)
    const clock = new FakeClock(new Date(midnight.getTime() + 1_000).toISOString())
    const { folder, start } = open(t, clock)
    const file = start()
    const end = new Date(midnight.getFullYear(), midnight.getMonth(), midnight.getDate() + 1).getTime()
    let hours = 0
    for (let ms = midnight.getTime() + 1_000; ms < end; ms += 1_800_000, hours += 0.5) {
      clock.turnTo(new Date(ms).toISOString())
      file.write(`${new Date(ms).toISOString()}\n`)
      await flushed(file)
    }
    t.equal(Math.round(hours), day === '2026-10-25' ? 25 : 23)
    t.same(names(folder), ['app.log'], 'not once within the day')
    clock.turnTo(new Date(end).toISOString())
    await waitFor(() => names(folder).length === 2)
    clock.turnTo(new Date(end + 3_600_000).toISOString())
    await flushed(file)
    t.same(names(folder), [`app.${day}.0001.log`, 'app.log'], 'once at its end')
    await file.close()
  }
})

t.test('the hour that comes twice makes two files', async (t) => {
  const clock = new FakeClock('2026-10-25T00:10:00Z') // 02:10 in summer time
  const { folder, start } = open(t, clock, { every: 'hour', dateFormat: 'yyyy-MM-dd-HH' })
  const file = start()
  for (const time of ['00:10', '01:10', '02:10']) {
    clock.turnTo(`2026-10-25T${time}:00Z`)
    await flushed(file)
    file.write(`${time}\n`)
    await flushed(file)
  }
  await file.close()
  t.same(names(folder), ['app.2026-10-25-02.0001.log', 'app.2026-10-25-02.0002.log', 'app.log'])
})

t.test('60 days are 60 days, and a month is a month: no timer overflows', async (t) => {
  const dayMs = 86_400_000
  for (const every of [60 * dayMs, 'month'] as const) {
    const clock = new FakeClock('2026-01-01T12:00:00Z')
    const { folder, start } = open(t, clock, { every, utc: true })
    const file = start()
    file.write('one\n')
    await flushed(file)
    const end = endOf(clock.ms, every, true)
    t.equal(end - startOf(clock.ms, every, true), every === 'month' ? 31 * dayMs : every)
    for (let ms = clock.ms; ms < end; ms += dayMs) {
      clock.turnTo(new Date(ms).toISOString())
      await flushed(file)
    }
    t.same(names(folder), ['app.log'])
    clock.turnTo(new Date(end).toISOString())
    await waitFor(() => names(folder).length === 2)
    t.equal(file.stats().rolls, 1)
    await file.close()
  }
})

t.test(
  'an app that starts again on the same day goes on with the file; on the next, it begins a new one',
  async (t) => {
    const clock = new FakeClock(new Date().toISOString())
    const { folder, path, start } = open(t, clock)
    let file = start()
    file.write('one\n')
    await file.close()
    file = start()
    file.write('two\n')
    await file.close()
    t.equal(readFileSync(path, 'utf8'), 'one\ntwo\n')
    utimesSync(path, new Date('2026-02-03T04:05:06'), new Date('2026-02-03T04:05:06'))
    file = start()
    file.write('three\n')
    await file.close()
    t.equal(readFileSync(join(folder, 'app.2026-02-03.0001.log'), 'utf8'), 'one\ntwo\n')
    t.equal(readFileSync(path, 'utf8'), 'three\n')

    writeFileSync(path, 'old\n')
    utimesSync(path, new Date('2026-02-03T04:05:06'), new Date('2026-02-03T04:05:06'))
    file = start()
    clock.turnTo(new Date(clock.ms + 1_000).toISOString())
    await waitFor(() => existsSync(join(folder, 'app.2026-02-03.0002.log')))
    t.pass('without a line, too, and no name comes twice')
    await file.close()
  },
)

t.test('weeks begin on Monday', async (t) => {
  const sunday = Date.parse('2026-11-22T10:00:00Z')
  t.equal(startOf(sunday, 'week', true), Date.parse('2026-11-16T00:00:00Z'))
  t.equal(endOf(sunday, 'week', true), Date.parse('2026-11-23T00:00:00Z'))
})
