/**
 * The test command: runs the compiled tests of the workspace with tap, on servers that all of them share, and closes
 * with one line, `N passed, N failed`. Arguments pick the test files whose path contains one of them.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { delimiter, join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { runFolderVariable, startRun } from './keeper/run.js'

const root = resolve(import.meta.dirname, '../../../..')

const picks = process.argv.slice(2)
const files = ['packages', 'apps']
  .flatMap((group) => readdirSync(join(root, group)).map((name) => join(group, name)))
  .flatMap(compiledTests)
  .filter((file) => picks.length === 0 || picks.some((pick) => file.includes(pick)))
if (files.length === 0) {
  console.error(`no test file’s path contains ${picks.map((pick) => `"${pick}"`).join(' or ')}`)
  process.exit(1)
}

// Ctrl-C reaches tap as well, and SIGTERM is passed on; we stay to end the servers once it is done.
process.on('SIGINT', () => {}).on('SIGTERM', () => tap.kill())
const run = await startRun()
const results = join(run.folder, 'results.tap')
// On a terminal tap shows its progress. Elsewhere that would be noise: we take the raw results, and print what matters.
const reporting = process.stdout.isTTY ? [`--output-file=${results}`] : ['--reporter=tap']
const tap = spawn('tap', [...reporting, ...files], {
  cwd: root,
  stdio: ['inherit', process.stdout.isTTY ? 'inherit' : 'pipe', 'inherit'],
  env: {
    ...process.env,
    [runFolderVariable]: run.folder,
    PATH: [join(root, 'node_modules/.bin'), process.env.PATH].join(delimiter),
  },
})
const ended = once(tap, 'exit') as Promise<[number | null]>
const output = tap.stdout ? await printFiles(tap.stdout) : ''
const [code] = await ended
const { passed, failed } = counts(output || readIfThere(results))
await run.end()
const isRight = code === 0 && failed === 0 && passed > 0
console.log(`${passed} passed, ${isRight ? 0 : Math.max(1, failed)} failed`)
process.exitCode = isRight ? 0 : 1

/** Prints a line for each file that is done, and all that a file says in which something failed; resolves with everything. */
async function printFiles(tapOutput: Readable): Promise<string> {
  let all = ''
  let file: string[] = []
  let justFailed = false
  for await (const line of createInterface({ input: tapOutput })) {
    all += `${line}\n`
    justFailed &&= line.startsWith('  ') // what follows a failure, indented, says more of it
    if (justFailed) {
      console.log(line)
      continue
    }
    file.push(line)
    if (!/^(not )?ok |^Bail out!/.test(line)) continue
    justFailed = !line.startsWith('ok')
    console.log((justFailed ? file : [line]).join('\n'))
    file = []
  }
  return all
}

/** A test is run as compiled, and found by its source, for the compiler leaves the output of deleted files behind. */
function compiledTests(folder: string): string[] {
  const source = join(folder, 'test')
  if (!existsSync(join(root, source))) return []
  return (readdirSync(join(root, source), { recursive: true }) as string[])
    .filter((name) => name.endsWith('.test.ts'))
    .sort()
    .map((name) => join(folder, 'dist/test', name.replace(/\.ts$/, '.js')))
}

function readIfThere(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : ''
}

/** tap closes with, for example, `# { total: 7, pass: 6, fail: 1 }`. */
function counts(tapOutput: string): { passed: number; failed: number } {
  const summary = tapOutput.match(/^# \{ total: .*\}$/gm)?.at(-1) ?? ''
  const count = (name: string) => Number(new RegExp(`\\b${name}: (\\d+)`).exec(summary)?.[1] ?? 0)
  return { passed: count('pass'), failed: count('fail') + count('skip') + count('todo') }
}
