import { request } from 'node:http'
import { type Child, startChild } from '@steadfast/testing'
import { onCore } from '../cores.js'

/** A server under test, in a process of its own, as one round sees it. */
export interface ServerProcess {
  /** The redirect to ask it for. */
  url: URL
  pid: number
  /** From the start of the process to its first redirect. */
  bootMs: number
  output(): string
  release(): Promise<void>
}

export interface Program {
  file: string
  args?: string[]
  env?: Record<string, string>
  url: URL
}

const bootTimeoutMs = 20_000
const pollMs = 2

/** Starts the program on a core and waits for its first redirect. */
export async function startServer(program: Program, core: number | undefined): Promise<ServerProcess> {
  const { file, args = [], env = {}, url } = program
  const [command, ...rest] = onCore(core, [process.execPath, file, ...args])
  const startMs = performance.now()
  const child = await startChild(command, rest, { env: { NODE_ENV: 'production', ...env } })
  try {
    while ((await statusOf(url)) !== 302) {
      if (child.process.exitCode !== null || performance.now() - startMs > bootTimeoutMs) throw failure(child, url)
      await new Promise((resolve) => setTimeout(resolve, pollMs))
    }
  } catch (error) {
    await child.release()
    throw error
  }
  const bootMs = performance.now() - startMs
  return { url, pid: child.pid, bootMs, output: () => child.output(), release: () => child.release() }
}

/** Undefined while nobody answers. */
function statusOf(url: URL): Promise<number | undefined> {
  return new Promise((resolve) => {
    request(url, { agent: false, headers: { 'x-client': 'boot' } }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
      .on('error', () => resolve(undefined))
      .end()
  })
}

function failure(child: Child, url: URL): Error {
  return new Error(`no redirect from ${url} within ${bootTimeoutMs} ms; the server wrote:\n${child.output()}`)
}
