import { Worker } from 'node:worker_threads'
import type { Log } from './log.js'

/** What the thread of a watchdog is given. */
export interface WatchdogData {
  memory: SharedArrayBuffer
  blockedMs: number
  tickMs: number
}

/** Places in the memory that the event loop and its watchdog share. Milliseconds last 49 days. */
export const places = { beats: 0, blocks: 1, blockedMs: 2 }

/** Watches over the event loop from a thread, which can speak while the loop is blocked. */
export class Watchdog {
  readonly #blockedMs: number
  readonly #log: Log
  readonly #counts = new Uint32Array(new SharedArrayBuffer(3 * Uint32Array.BYTES_PER_ELEMENT))
  #timer: NodeJS.Timeout | undefined
  #worker: Worker | undefined

  constructor(blockedMs: number, log: Log) {
    this.#blockedMs = blockedMs
    this.#log = log
  }

  /** How many times the loop was blocked for longer than it may, and for how long in all. */
  get blocks(): number {
    return Atomics.load(this.#counts, places.blocks)
  }

  get blockedSeconds(): number {
    return Atomics.load(this.#counts, places.blockedMs) / 1_000
  }

  start(): void {
    if (this.#worker) return
    const tickMs = Math.max(5, Math.min(250, this.#blockedMs / 4))
    const workerData: WatchdogData = {
      memory: this.#counts.buffer as SharedArrayBuffer,
      blockedMs: this.#blockedMs,
      tickMs,
    }
    this.#timer = setInterval(() => Atomics.add(this.#counts, places.beats, 1), tickMs).unref()
    // Neither loaders nor instrumentation of the process belong in there.
    const options = { workerData, env: {}, execArgv: [], name: 'health-watchdog' }
    this.#worker = new Worker(new URL('./watchdog-thread.js', import.meta.url), options)
    this.#worker.on('error', (err) => this.#log.warn({ err }, 'the watchdog of the event loop has failed'))
    this.#worker.unref()
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#worker?.terminate()
  }
}
