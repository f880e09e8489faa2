import { Agent, type IncomingMessage, request } from 'node:http'

export interface Outcome {
  /** Of requests that a server did not answer with 200. */
  failures: string[]
  answers: Map<string, number>
}

/** Stands in for a load balancer: it asks every server's /readyz every 200 ms, and sends requests to those that are ready. */
export class Balancer {
  readonly outcome: Outcome = { failures: [], answers: new Map() }
  readonly #ready: Map<string, boolean>
  readonly #kept = new Agent({ keepAlive: true })
  readonly #timers: NodeJS.Timeout[] = []
  readonly #pending = new Set<Promise<void>>()
  #count = 0

  constructor(addresses: string[]) {
    this.#ready = new Map(addresses.map((address) => [address, true]))
    this.#timers.push(setInterval(() => addresses.forEach((address) => void this.#poll(address)), 200))
  }

  isReady(address: string): boolean | undefined {
    return this.#ready.get(address)
  }

  /** Sends so many requests a second, every other one on a connection of its own. */
  load(perSecond: number): void {
    const startMs = performance.now()
    let sent = 0
    const send = () => {
      for (const due = ((performance.now() - startMs) * perSecond) / 1_000; sent < due; sent++) {
        const one = this.#one().then(() => void this.#pending.delete(one))
        this.#pending.add(one)
      }
    }
    this.#timers.push(setInterval(send, 5))
  }

  /** Stops, once everything has its answer. */
  async stop(): Promise<Outcome> {
    for (const timer of this.#timers) clearInterval(timer)
    await Promise.all(this.#pending)
    this.#kept.destroy()
    return this.outcome
  }

  async #poll(address: string): Promise<void> {
    const status = await ask(address, '/readyz').catch(() => 0)
    this.#ready.set(address, status === 200)
  }

  async #one(): Promise<void> {
    const ready = [...this.#ready].filter(([, isReady]) => isReady).map(([address]) => address)
    const isKept = this.#count++ % 2 === 0
    const address = ready[(this.#count >> 1) % ready.length]
    if (!address) return void this.outcome.failures.push('no server is ready')
    try {
      const status = await ask(address, '/', isKept ? this.#kept : undefined)
      if (status !== 200) this.outcome.failures.push(`${address} answered ${status}`)
      else this.outcome.answers.set(address, (this.outcome.answers.get(address) ?? 0) + 1)
    } catch (error) {
      this.outcome.failures.push(
        `${address}: ${(error as NodeJS.ErrnoException).code} on a ${isKept ? 'kept' : 'new'} connection`,
      )
    }
  }
}

/** The status of a GET; on a connection of its own, unless an agent is given. */
export function ask(address: string, path: string, agent?: Agent): Promise<number | undefined> {
  const [host, port] = address.split(':')
  return new Promise((resolve, reject) => {
    const answered = (response: IncomingMessage) => {
      response
        .resume()
        .once('end', () => resolve(response.statusCode))
        .once('error', reject)
    }
    const sent = request({ host, port, path, agent: agent ?? false, timeout: 10_000 }, answered)
    sent.once('timeout', () => sent.destroy(new Error('no answer in 10 s')))
    sent.once('error', reject).end()
  })
}
