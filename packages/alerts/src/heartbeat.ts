import { type Failure, failureOf } from './delivery/failure.js'
import { request } from './http/post.js'
import type { Log } from './log.js'

/** Asks for a URL again and again, so that who watches it hears that the process is gone. */
export class Heartbeat {
  readonly #url: URL
  readonly #everyMs: number
  readonly #log: Log
  #timer: NodeJS.Timeout | undefined
  #isFailing = false

  constructor({ url, everyMs }: { url: string; everyMs: number }, log: Log) {
    this.#url = new URL(url)
    this.#everyMs = everyMs
    this.#log = log
  }

  start(): void {
    this.#timer = setInterval(() => void this.#beat(), this.#everyMs).unref()
    void this.#beat()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  async #beat(): Promise<void> {
    try {
      const signal = AbortSignal.timeout(Math.min(this.#everyMs, 10_000))
      const { status } = await request({ url: this.#url, allowPrivate: true }, { method: 'GET', signal })
      if (status >= 300) throw new Error(`answered ${status}`)
      this.#isFailing = false
    } catch (error) {
      this.#failed(failureOf(error, [this.#url.href]))
    }
  }

  #failed({ reason }: Failure): void {
    if (!this.#isFailing) this.#log.warn({ reason }, 'alerts: the heartbeat is not heard')
    this.#isFailing = true
  }
}
