import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import t from 'tap'

const root = resolve(import.meta.dirname, '../../../..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')

const folders = ['packages', 'apps'].flatMap((group) =>
  readdirSync(join(root, group)).map((name) => `${group}/${name}`),
)
const filesIn = (folder: string) =>
  existsSync(join(root, folder))
    ? (readdirSync(join(root, folder), { recursive: true }) as string[])
        .filter((file) => file.endsWith('.ts'))
        .map((file) => `${folder}/${file}`)
    : []

t.test('the code in docs/architecture.md is the code that the contract checks run on', async (t) => {
  const blocks = [...read('docs/architecture.md').matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code)
  const join = read('packages/testing/test/fixtures/join.ts')
  t.ok(blocks.includes(join.slice(join.indexOf('const key'))), 'join()')
  const contract = read('packages/testing/src/contracts/contract.ts')
  const types = contract.slice(
    contract.indexOf('/**\n * It only'),
    contract.indexOf('\n/** What the plugins of this app'),
  )
  t.ok(blocks.includes(types), 'the types')
})

t.test('every error code has its section in docs/error-codes.md, and every section its code', async (t) => {
  const codes = folders
    .flatMap((folder) => filesIn(`${folder}/src`))
    .flatMap((file) => read(file).match(/'ERR_[A-Z0-9_]*[A-Z0-9]'/g) ?? [])
    .map((code) => code.slice(1, -1))
  const sections = [...read('docs/error-codes.md').matchAll(/^### (ERR_[A-Z0-9_]+)$/gm)].map(([, code]) => code)
  t.ok(codes.length > 0)
  const ofNode = ['ERR_HTTP_REQUEST_TIMEOUT']
  t.same([...new Set(codes)].filter((code) => !ofNode.includes(code)).sort(), sections.sort())
})

t.test('imports that cross a boundary are refused', async (t) => {
  const copy = mkdtempSync(join(tmpdir(), 'boundaries-'))
  t.teardown(() => rmSync(copy, { recursive: true }))
  for (const file of ['biome.json', '.gitignore']) cpSync(join(root, file), join(copy, file))
  const lint = (path: string, module: string) => {
    const file = join(copy, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, `import { x } from '${module}'\n\nexport const y: unknown = x\n`)
    return spawnSync(join(root, 'node_modules/.bin/biome'), ['lint', file], { cwd: copy, encoding: 'utf8' })
  }
  const refused: [path: string, module: string][] = [
    ['packages/limiter/src/plugin.ts', '@steadfast/metrics'],
    ['packages/limiter/src/stores/redis.ts', '@steadfast/metrics'],
    ['packages/limiter/src/stores/redis.ts', 'fastify'],
    ['packages/limiter/src/stores/redis.ts', '../plugin.js'],
    ['packages/limiter/src/plugin.ts', '../../metrics/dist/src/index.js'],
    ['packages/limiter/src/algorithms/gcra.ts', 'fastify-plugin'],
  ]
  for (const [path, module] of refused) {
    const { status, stdout, stderr } = lint(path, module)
    t.equal(status, 1, `${path} must not import ${module}`)
    t.match(stdout + stderr, 'noRestrictedImports')
  }
  const allowed: [path: string, module: string][] = [
    ['packages/limiter/src/plugin.ts', 'fastify'],
    ['packages/limiter/test/plugin.test.ts', '@steadfast/testing'],
    ['apps/shortener/src/app.ts', '@steadfast/metrics'],
  ]
  for (const [path, module] of allowed) {
    const { status, stdout, stderr } = lint(path, module)
    t.equal(status, 0, `${path} may import ${module}: ${stdout}${stderr}`)
  }
})

t.test('files keep to their budgets', async (t) => {
  const lines = (file: string) => read(file).split('\n').length - 1
  const sources = folders.flatMap((folder) => filesIn(`${folder}/src`))
  const counts = sources.map(lines).sort((a, b) => a - b)
  t.ok(counts[counts.length >> 1]! <= 80, 'half of the source files have at most 80 lines')
  t.ok(counts[Math.floor(0.9 * counts.length)]! <= 200, 'nine in ten have at most 200')
  t.same(
    sources.filter((file) => lines(file) > 300),
    [],
    'and none more than 300',
  )
  t.same(
    folders.flatMap((folder) => filesIn(`${folder}/test`)).filter((file) => lines(file) > 400),
    [],
  )
  t.same(
    sources.filter((file) => /\/(utils|helpers|common)\b/.test(file)),
    [],
    'names that say nothing',
  )
})
