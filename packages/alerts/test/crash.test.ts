import { appendFile, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { forkFixture, freePort, startReceiver, waitFor } from '@steadfast/testing'
import t from 'tap'
import { bodyOf, down, newFolder, remembering, startApp } from './receivers.js'

const fixture = new URL('./fixtures/app.js', import.meta.url)

const journals = async (dir: string) => (await readdir(dir)).filter((file) => file.endsWith('.journal'))

t.test('2: network down, fire, kill -9, restart, network up: delivered', async (t) => {
  const dir = await newFolder()
  const url = `http://127.0.0.1:${await freePort()}/`
  const killed = await forkFixture(fixture, {
    args: [JSON.stringify({ url, steps: [{ fire: down }], options: { spool: { dir } } })],
  })
  t.teardown(() => killed.release())
  await waitFor(() => killed.reports().includes('done'), { what: 'the start of a process' })
  killed.signal('SIGKILL')
  await killed.exit
  t.equal((await journals(dir)).length, 1)

  const receiver = await startReceiver()
  t.teardown(() => receiver.release())
  const again = await forkFixture(fixture, {
    args: [JSON.stringify({ url: receiver.url, steps: [], options: { spool: { dir } } })],
  })
  t.teardown(() => again.release())
  const [post] = await receiver.whenReceived(1)
  const { status, alerts } = bodyOf(post!)
  t.same([status, alerts.length, alerts[0]?.kind, alerts[0]?.summary], ['firing', 1, 'fire', down.summary])
})

t.test(
  '2: fired and resolved while undelivered, over a kill: one message "was down", and no trigger after it',
  async (t) => {
    const dir = await newFolder()
    const url = `http://127.0.0.1:${await freePort()}/`
    const steps = [{ fire: down }, { waitMs: 300 }, { resolve: { name: 'db' } }]
    const killed = await forkFixture(fixture, { args: [JSON.stringify({ url, steps, options: { spool: { dir } } })] })
    t.teardown(() => killed.release())
    await waitFor(() => killed.reports().includes('done'), { what: 'the start of a process' })
    killed.signal('SIGKILL')
    await killed.exit

    const receiver = await startReceiver()
    t.teardown(() => receiver.release())
    const again = await forkFixture(fixture, {
      args: [JSON.stringify({ url: receiver.url, steps: [], options: { spool: { dir } } })],
      ipc: true,
    })
    t.teardown(() => again.release())
    await receiver.whenReceived(1)
    // What is told is forgotten: the journal is empty, and goes with the process.
    again.process.send({ close: true })
    await again.exit
    t.equal(receiver.received.length, 1)
    const { status, title, alerts } = bodyOf(receiver.received[0]!)
    t.same([status, alerts[0]?.kind], ['resolved', 'over'])
    t.match(title, /^was down \d+ s: the database is down$/)
    t.same(await journals(dir), [])
  },
)

t.test('2: a resolve never goes before its trigger, which comes back from a restart as known', async (t) => {
  const dir = await newFolder()
  const receiver = await startReceiver()
  t.teardown(() => receiver.release())
  const args = (steps: object[]) => [JSON.stringify({ url: receiver.url, steps, options: { spool: { dir } } })]
  const killed = await forkFixture(fixture, { args: args([{ fire: down }]) })
  t.teardown(() => killed.release())
  await receiver.whenReceived(1)
  await waitFor(async () =>
    (await readFile(join(dir, (await journals(dir))[0]!), 'utf8')).includes('"told":{"webhook"'),
  )
  killed.signal('SIGKILL')
  await killed.exit
  const again = await forkFixture(fixture, { args: args([{ fire: down }, { resolve: { name: 'db' } }]) })
  t.teardown(() => again.release())
  await receiver.whenReceived(2)
  const kinds = receiver.received.map((post) => bodyOf(post).alerts[0]?.kind)
  t.same(kinds, ['fire', 'resolve'])
  const keys = receiver.received.map((post) => bodyOf(post).alerts[0]?.key)
  t.equal(keys[0], keys[1])
})

t.test('2: what is torn or corrupt harms nothing else', async (t) => {
  const dir = await newFolder()
  const failing = remembering('memory', { send: () => Promise.reject(new Error('down')) })
  const app = await startApp(t, { channels: [failing], spool: { dir }, flushMs: 50 })
  for (const name of ['one', 'two', 'three']) await app.alerts.fire({ ...down, name })
  await app.close()
  const [file] = await journals(dir)
  const text = await readFile(join(dir, file!), 'utf8')
  const lines = text.split('\n').filter((line) => !line.includes('"name":"one"'))
  const broken = text
    .split('\n')
    .find((line) => line.includes('"name":"one"'))!
    .replace('critical', 'cripical')
  await writeFile(join(dir, file!), [broken, ...lines].join('\n'))
  await appendFile(join(dir, file!), '\n0badc0de ["i:app/four",{"key":"app/fo') // torn
  await writeFile(join(dir, file!.replace(/-[^-]+$/, '-y.1.journal')), Buffer.from([0, 255, 10, 13, 200, 1]))
  const lines2: string[] = []
  const memory = remembering()
  const again = await startApp(t, { channels: [memory], spool: { dir } }, lines2)
  const told = () => memory.told.flatMap(({ alerts }) => alerts.map(({ name }) => name)).sort()
  await waitFor(() => told().length >= 2)
  t.same(told(), ['three', 'two'])
  t.equal(again.alerts.stats().dropped.corrupt, 2, 'two files')
  t.match(lines2.join(''), /can’t be read; the rest is/)
})

t.test('2: maxBytes holds, and what is dropped for it is said', async (t) => {
  const dir = await newFolder()
  const maxBytes = 65_536
  const failing = remembering('memory', { send: () => Promise.reject(new Error('down')) })
  const lines: string[] = []
  const app = await startApp(t, { channels: [failing], spool: { dir, maxBytes }, flushMs: 50 }, lines)
  const dropped: unknown[] = []
  app.alerts.on('dropped', (details) => dropped.push(details))
  let most = 0
  const size = async () => {
    const sizes = await Promise.all(
      (await readdir(dir)).map((file) =>
        stat(join(dir, file)).then(
          (s) => s.size,
          () => 0,
        ),
      ),
    )
    return sizes.reduce((sum, each) => sum + each, 0)
  }
  await app.alerts.fire({ ...down, name: 'worst' })
  for (let n = 0; n < 200; n++) {
    await app.alerts.fire({ ...down, severity: 'warning', name: `n${n}`, details: { text: 'x'.repeat(500) } })
    most = Math.max(most, await size())
  }
  t.ok(most <= maxBytes, `${most} bytes at most`)
  const { firing, dropped: counts } = app.alerts.stats()
  t.ok(counts.full > 100)
  t.equal(firing + counts.full, 201)
  t.equal(dropped.length, counts.full)
  t.same(dropped[0], { reason: 'full', key: (dropped[0] as { key: string }).key }, 'the oldest of the least severe')
  t.match((dropped[0] as { key: string }).key, /^app\/n0\//)
  t.equal(lines.filter((line) => line.includes('dropped (full)')).length, counts.full)
  t.ok(app.alerts.pending().some(({ name }) => name === 'worst'))
  t.ok(app.alerts.pending().some(({ name }) => name === 'n199'))
})

t.test('10: spool files are 0600, and their folder 0700', async (t) => {
  const dir = join(await newFolder(), 'spool')
  const refusing = remembering('memory', {
    send: () => Promise.reject(Object.assign(new Error('no'), { isFinal: true })),
  })
  const app = await startApp(t, { channels: [refusing], spool: { dir } })
  await app.alerts.fire(down)
  await waitFor(async () => (await readdir(dir)).includes('dead-letters.jsonl'))
  const modes = await Promise.all((await readdir(dir)).map(async (file) => (await stat(join(dir, file))).mode & 0o777))
  t.ok(modes.length >= 2)
  t.ok(
    modes.every((mode) => mode === 0o600),
    `${modes.map((mode) => mode.toString(8))}`,
  )
  t.equal((await stat(dir)).mode & 0o777, 0o700)
})
