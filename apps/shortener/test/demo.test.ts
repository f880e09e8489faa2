import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { type Child, findTestTool, freePort, isAlive, startChild } from '@steadfast/testing'
import t from 'tap'

t.setTimeout(1_200_000) // a fresh clone may have to download everything

const root = resolve(import.meta.dirname, '../../../..')

/** The files of this tree that a clone would have, with nothing installed or built. */
function freshClone(): string {
  const clone = mkdtempSync(join(tmpdir(), 'fresh-clone-'))
  const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], { cwd: root, encoding: 'utf8' })
  for (const file of files.trim().split('\n')) {
    if (existsSync(join(root, file))) cpSync(join(root, file), join(clone, file))
  }
  return clone
}

const clone = freshClone()
t.teardown(() => rmSync(clone, { recursive: true, force: true }))

/** Runs one of the workspace's commands as in a terminal: Ctrl-C reaches all processes of the group. */
async function run(command: string, args: string[], env: Record<string, string> = {}): Promise<Child> {
  const child = await startChild(command, args, {
    cwd: clone,
    group: true,
    env: { ...env, BOOTSTRAP_API_KEY: undefined, CI: undefined }, // in CI pnpm would refuse a new package
  })
  t.teardown(() => child.release())
  return child
}

const pnpm = execFileSync('npx', ['--yes', '-p', 'pnpm@12', '-c', 'command -v pnpm'], { encoding: 'utf8' }).trim()

let shortUrl = ''
const port = await freePort()

/** Starts the demo, whose database is still to be made, and makes a link as it says. */
async function startFirst(): Promise<{ child: Child; madeMs: number }> {
  const child = await run('npx', ['--yes', 'pnpm@12', 'demo'], { PORT: `${port}` })
  await child.printed(/Opening the embedded database/, 300_000)
  const builtMs = performance.now()
  const [curl] = await child.printed(/curl -X POST .*/)
  await findTestTool('curl')
  const link = JSON.parse(execFileSync('sh', ['-c', `${curl} --silent`], { encoding: 'utf8' })) as { shortUrl: string }
  shortUrl = link.shortUrl
  const response = await fetch(shortUrl, { redirect: 'manual' })
  t.match([response.status, response.headers.get('location')], [302, 'https://fastify.dev/'])
  return { child, madeMs: performance.now() - builtMs }
}

t.test('npx pnpm@12 demo in a fresh clone: installs, builds, and redirects within 20 s of that', async (t) => {
  let { child, madeMs } = await startFirst()
  // What else a machine does can only make it slower, so that the best of three counts.
  for (let starts = 1; madeMs >= 20_000 && starts < 3; starts++) {
    await child.release()
    rmSync(join(clone, 'apps/shortener/.data'), { recursive: true })
    ;({ child, madeMs } = await startFirst())
  }
  t.ok(madeMs < 20_000, `${madeMs} ms`)
  t.match(child.output(), /Database +embedded \(PGlite\), for this demo only, in .*\/apps\/shortener\/\.data\/demo/)
  t.match(child.output(), new RegExp(`URL +http://127.0.0.1:${port}\n`))

  const stopMs = performance.now()
  child.signal('SIGINT')
  await child.exit
  t.ok(performance.now() - stopMs < 10_000, 'Ctrl-C ends it')
  await t.rejects(fetch(shortUrl), 'nothing listens any more')
})

t.test('pnpm demo again: the links are still there, and Ctrl-C exits 0', async (t) => {
  const child = await run(pnpm, ['demo'], { PORT: `${port}` })
  await child.printed(/curl -X POST/)
  t.equal((await fetch(shortUrl, { redirect: 'manual' })).status, 302)
  const stopMs = performance.now()
  child.signal('SIGINT')
  t.same(await child.exit, { code: 0, signal: null })
  t.ok(performance.now() - stopMs < 10_000)
  t.notOk(isAlive(child.pid))
})

t.test('a taken port is said in one line', async (t) => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  t.teardown(() => other.close())
  const { port } = other.address() as AddressInfo
  const child = await run(pnpm, ['demo'], { PORT: `${port}` })
  t.equal((await child.exit).code, 1)
  t.match(child.output(), `\nERR_SHORTENER_LISTEN: can’t listen on port ${port} of 127.0.0.1: it is taken;`)
  t.notMatch(child.output(), / {4}at /, 'without a stack')
})

t.test('npx pnpm@12 test in a clone runs what is picked and closes with the counts', async (t) => {
  const child = await run('npx', ['--yes', 'pnpm@12', 'test', 'shortener/dist/test/links'])
  t.same(await child.exit, { code: 0, signal: null })
  t.match(child.output(), /\n[1-9]\d* passed, 0 failed\n$/)
  const nothing = await run(pnpm, ['test', 'no-such-file'])
  t.equal((await nothing.exit).code, 1)
  t.match(nothing.output(), 'no test file’s path contains "no-such-file"')
})

t.test('npx pnpm@12 bench in a clone gives the table, the JSON and the chart', async (t) => {
  const child = await run('npx', [
    '--yes',
    'pnpm@12',
    'bench',
    '--only',
    'bare-again',
    '--rounds',
    '1',
    '--seconds',
    '0.2',
  ])
  t.same(await child.exit, { code: 0, signal: null }, child.output())
  t.match(child.output(), /^\| bare-again +\| +\d/m)
  const files = readdirSync(join(clone, 'bench-results')).sort()
  t.same(files, ['ladder.json', 'ladder.md', 'ladder.svg'])
})

t.test('a package made as CONTRIBUTING.md shows is built, checked, tested and packed', async (t) => {
  const guide = readFileSync(join(clone, 'CONTRIBUTING.md'), 'utf8')
  const [manifest, tsconfig, index] = [...guide.matchAll(/^```(?:json|ts)\n(.*?)^```$/gms)].map(
    ([, code]) => code ?? '',
  )
  const files = {
    'package.json': manifest,
    'tsconfig.json': tsconfig,
    'README.md': '# Greeter\n',
    'src/index.ts': index,
    'test/plugin.test.ts': `import { checkQuiet } from '@steadfast/testing'
import t from 'tap'
import greeter from '../src/index.js'

t.test('it is quiet', async (t) => {
  await t.resolves(checkQuiet((app) => app.register(greeter)))
})
`,
  }
  for (const [name, content] of Object.entries(files)) {
    const file = join(clone, 'packages/greeter', name)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, content ?? '')
  }
  const commands = [
    [pnpm, 'test', 'packages/greeter'],
    [pnpm, 'check'],
    ['.ci/pack', 'packages/greeter'],
  ]
  for (const [command = '', ...args] of commands) {
    const child = await run(command, args)
    t.same(await child.exit, { code: 0, signal: null }, `${args.join(' ') || command}: ${child.output()}`)
  }

  const broken = JSON.parse(manifest ?? '') as Record<string, unknown>
  const faults = {
    'does not belong': { files: ['dist', 'src'] },
    'greeter can’t be imported': { dependencies: {}, peerDependencies: {} },
  }
  for (const [message, change] of Object.entries(faults)) {
    writeFileSync(join(clone, 'packages/greeter/package.json'), JSON.stringify({ ...broken, ...change }))
    const child = await run('.ci/pack', ['packages/greeter'])
    t.equal((await child.exit).code, 1)
    t.match(child.output(), message)
  }
})
