import { request } from 'node:http'
import { type Child, startChild } from '@steadfast/testing'
import { onCore } from '../cores.js'
import { clientHeader } from './workload.js'

/** A server under test, in a process of its own, as one round sees it. */
export interface ServerProcess {
  /** The redirect to ask it for. */
  url: URL
  pid: number
  /** From the start of the process to its first redirect. */
  bootMs: number
  /** How it ended, if it has, and what it wrote. */
  account(): string
  release(): Promise<void>
}

export interface Program {
  file: string
  args?: string[]
  env?: Record<string, string>
  url: URL
}

const bootTimeoutMs = 20_000
const answerTimeoutMs = 1_000
const pollMs = 2

const preloaded = ['keep-tick-shape', 'load-modules'].flatMap((name) => [
  '--import',
  new URL(`servers/${name}.js`, import.meta.url).href,
])

/** Starts the program on a core and waits for its first redirect. */
export async function startServer(program: Program, core: number | undefined): Promise<ServerProcess> {
  const { file, args = [], env = {}, url } = program
  const [command, ...rest] = onCore(core, [process.execPath, ...preloaded, file, ...args])
  const startMs = performance.now()
  const child = await startChild(command, rest, { env: { NODE_ENV: 'production', ...env } })
  try {
    while ((await statusOf(url)) !== 302) {
      if (hasEnded(child) || performance.now() - startMs > bootTimeoutMs) {
        throw new Error(`no redirect from ${url} within ${bootTimeoutMs} ms\n${accountOf(child)}`)
      }
      await new Promise((resolve) => setTimeout(resolve, pollMs))
    }
  } catch (error) {
    await child.release()
    throw error
  }
  const bootMs = performance.now() - startMs
  return { url, pid: child.pid, bootMs, account: () => accountOf(child), release: () => child.release() }
}

/** Undefined while nobody answers. */
function statusOf(url: URL): Promise<number | undefined> {
  return new Promise((resolve) => {
    const options = { agent: false, timeout: answerTimeoutMs, headers: { [clientHeader]: 'boot' } }
    const asked = request(url, options, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
    asked.once('timeout', () => asked.destroy())
    asked.once('error', () => resolve(undefined))
    asked.end()
  })
}

function hasEnded({ process: { exitCode, signalCode } }: Child): boolean {
  return exitCode !== null || signalCode !== null
}

function accountOf(child: Child): string {
  const { exitCode, signalCode } = child.process
  const end = hasEnded(child) ? ` ended with ${signalCode ?? exitCode}, and` : ''
  return `The server${end} wrote: ${child.output() || 'nothing'}`
}
