import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { askKeeper, runFolder } from './keeper/client.js'
import { isGroupAlive, signalTo } from './processes.js'
import { waitFor } from './wait-for.js'

const reportVariable = 'STEADFAST_TEST_REPORT'

export interface ChildOptions {
  /** Added to the environment of the test run, less what tap and pnpm put in; undefined takes a variable out. */
  env?: Record<string, string | undefined>
  cwd?: string
  /** Opens Node's message channel, as PM2 and node:cluster do. Default false. */
  ipc?: boolean
  /** Puts it at the head of a process group, which a signal reaches as a whole, as Ctrl-C does. Default false. */
  group?: boolean
}

export interface FixtureOptions extends ChildOptions {
  args?: string[]
  /** Flags of Node itself. */
  execArgv?: string[]
  /** Which Node runs it, as `nodeBinary` finds it. Default this one. */
  node?: string
}

export interface Exit {
  code: number | null
  signal: NodeJS.Signals | null
}

/** A process under test. It is killed with the test process, however that ends. */
export interface Child {
  readonly pid: number
  readonly process: ChildProcess
  /** What it has written so far, standard output and error together. */
  output(): string
  /**
   * Waits until its output matches.
   * @throws Error with the output, when that ends first or after `timeoutMs` (default 120_000)
   */
  printed(pattern: RegExp, timeoutMs?: number): Promise<RegExpExecArray>
  /** The values that it handed to `report`, in order; they outlive a kill. */
  reports<T = unknown>(): T[]
  /** Sends a signal, to its whole group if it heads one. */
  signal(signal: NodeJS.Signals): void
  /** Resolves once it has ended and all its output is read. */
  readonly exit: Promise<Exit>
  /** Kills it, if it still runs, and with it its group if it heads one; waits until all are gone. */
  release(): Promise<void>
}

/** Starts the module at `file` as a Node process of its own. */
export function forkFixture(file: string | URL, options: FixtureOptions = {}): Promise<Child> {
  const { args = [], execArgv = [], node = process.execPath, ...rest } = options
  return startChild(node, [...execArgv, file instanceof URL ? fileURLToPath(file) : file, ...args], rest)
}

/** Starts any program. */
export async function startChild(command: string, args: string[], options: ChildOptions = {}): Promise<Child> {
  const { env = {}, cwd, ipc = false, group = false } = options
  const reportFile = join(await runFolder(), `report-${randomUUID()}`)
  const child = spawn('env', [...takingOut(env), command, ...args], {
    cwd,
    env: { ...process.env, ...env, [reportVariable]: reportFile },
    stdio: ['ignore', 'pipe', 'pipe', ...(ipc ? ['ipc' as const] : [])],
    detached: group,
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  let ended = false
  const exit = new Promise<Exit>((resolve) => {
    child.once('close', (code, signal) => {
      ended = true
      resolve({ code, signal })
    })
  })
  await new Promise<void>((resolve, reject) => child.once('spawn', resolve).once('error', reject))
  const pid = child.pid as number
  const target = group ? -pid : pid
  await askKeeper({ do: 'adopt', pid: target })
  const disown = () => askKeeper({ do: 'disown', pid: target }).catch(() => {})
  // A group outlives its head: it stays with the keeper until its last process is gone.
  exit.then(() => isAnyoneIn(target) || disown())

  return {
    pid,
    process: child,
    output: () => output,
    async printed(pattern, timeoutMs = 120_000) {
      const once = new RegExp(pattern, pattern.flags.replace(/[gy]/g, '')) // those would go on from the last match
      await waitFor(() => ended || once.test(output), { timeoutMs }).catch(() => {})
      const match = once.exec(output)
      if (match) return match
      throw new Error(
        `the process ${ended ? 'ended before it' : `did not, in ${timeoutMs} ms,`} print ${pattern}:\n${output}`,
      )
    },
    reports: <T>() =>
      existsSync(reportFile)
        ? readFileSync(reportFile, 'utf8')
            .split('\n')
            .slice(0, -1) // the last may still be written
            .map((line) => JSON.parse(line) as T)
        : [],
    signal: (signal) => void signalTo(target, signal),
    exit,
    async release() {
      if (group || !ended) signalTo(target, 'SIGKILL')
      if (!ended) await gone
      // The others of a group end by themselves, and hold what they have opened until then.
      if (group) await waitFor(() => !isGroupAlive(pid), { what: `the end of the processes of ${command}` })
      // Processes that it started, and that live on, may hold the other ends.
      child.stdout?.destroy()
      child.stderr?.destroy()
      await exit
      await disown()
    },
  }
}

function isAnyoneIn(target: number): boolean {
  try {
    return process.kill(target, 0)
  } catch {
    return false
  }
}

/**
 * Arguments for env(1) that take out what tap and pnpm put into the environment: their loaders and settings are not for
 * the process under test. tap adds its own to whatever is passed to spawn(), so it can't be left out there.
 */
function takingOut(given: Record<string, string | undefined>): string[] {
  const added = /^(NODE_PATH|_?TAP(JS)?(_.*)?|p?npm_.*)$/
  const names = Object.keys(process.env).filter((name) => added.test(name) && !(name in given))
  const options = given.NODE_OPTIONS === undefined ? [] : [`NODE_OPTIONS=${given.NODE_OPTIONS}`]
  return [...['NODE_OPTIONS', ...names].flatMap((name) => ['-u', name]), ...options]
}

/** In a fixture: hands a value to the test that started it, at once and for good. */
export function report(value: unknown): void {
  const file = process.env[reportVariable]
  if (!file) throw new Error(`report() works in a process that a test started: ${reportVariable} is not set`)
  if (value === undefined) throw new TypeError('report() takes a value that JSON has, not undefined')
  appendFileSync(file, `${JSON.stringify(value)}\n`)
}
