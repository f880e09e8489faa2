import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Child, runFolder } from '@steadfast/testing'
import { claims } from '../ladder/claims.js'
import type { LoadResult } from '../ladder/load/load.js'
import { startPausableWrk } from '../ladder/load/wrk.js'
import { checkCounts, type Rung } from '../ladder/measure.js'
import { type ServerProcess, startServer } from '../ladder/server-process.js'

const counter = new URL('count-requests.js', import.meta.url).href

/** After the load goes on, until all its connections are busy again; and after it is held, until what is under way is done. */
const settleMs = 15
const drainMs = 6

const lookMs = 100

/** A server and its own load, which is held but for the spans that are measured: so two of them can be measured in turns of a moment. */
export class PausedServer {
  readonly #rung: Rung
  readonly #logFolder: string
  #server: ServerProcess | undefined
  #load: Child | undefined

  private constructor(rung: Rung, logFolder: string) {
    this.#rung = rung
    this.#logFolder = logFolder
  }

  static async start(rung: Rung, core: number | undefined): Promise<PausedServer> {
    const { parts, clients = 1, program } = rung
    const started = new PausedServer(rung, await mkdtemp(join(await runFolder(), 'log-')))
    try {
      const logFolder = started.#logFolder
      const server = await startServer(await program(logFolder), core, [counter])
      started.#server = server
      for (const part of ['redirect', ...parts] as const) await claims[part].check({ url: server.url, logFolder })
      started.#load = await startPausableWrk(server.url, { clients })
      started.#load.signal('SIGSTOP')
      return started
    } catch (error) {
      await started.release()
      throw error
    }
  }

  /** Until so many requests have come, or for so long. */
  async warmUp(requests: number, longestMs: number): Promise<void> {
    this.#load!.signal('SIGCONT')
    const endMs = performance.now() + longestMs
    while ((await this.#counted()).requests < requests && performance.now() < endMs) await sleep(lookMs)
    await this.#hold()
  }

  /** @returns CPU time a request (µs) */
  async span(ms: number): Promise<number> {
    this.#load!.signal('SIGCONT')
    await sleep(settleMs)
    const before = await this.#counted()
    await sleep(ms)
    const after = await this.#counted()
    await this.#hold()
    const requests = after.requests - before.requests
    if (requests === 0) throw new Error(`no request came within ${ms} ms`)
    return (after.micros - before.micros) / requests
  }

  /** @throws Error if the load has got other answers than it should, or the server has done less than it claims */
  async end(): Promise<void> {
    const load = this.#load!
    load.signal('SIGCONT')
    load.signal('SIGINT')
    const [json] = await load.printed(/^\{.*\}$/m)
    const { answered, errors } = JSON.parse(json) as LoadResult
    if (errors > 0) throw new Error(`the load got ${answered} redirects and ${errors} errors or other answers`)
    const { parts, clients = 1 } = this.#rung
    await checkCounts({ url: this.#server!.url, logFolder: this.#logFolder }, parts, answered, clients)
  }

  async release(): Promise<void> {
    await this.#load?.release()
    await this.#server?.release()
    await rm(this.#logFolder, { recursive: true, force: true })
  }

  async #hold(): Promise<void> {
    this.#load!.signal('SIGSTOP')
    await sleep(drainMs)
  }

  #counted(): Promise<{ requests: number; micros: number }> {
    const { process, account } = this.#server!
    return new Promise((resolve, reject) => {
      const onMessage = (message: unknown) => {
        if (!Array.isArray(message)) return // it may tell others than us that it is ready
        process.off('message', onMessage).off('exit', onExit)
        resolve({ requests: message[0] as number, micros: message[1] as number })
      }
      const onExit = () => reject(new Error(account()))
      process.on('message', onMessage).once('exit', onExit)
      process.send('count', (error) => error && onExit())
    })
  }
}
