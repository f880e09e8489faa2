import assert from 'node:assert/strict'
import { Agent, get } from 'node:http'
import { resolve } from 'node:path'
import { type Child, forkFixture, freePort, type OwnPostgres, startPostgres, waitFor } from '@steadfast/testing'

const key = 'bootstrap-key-of-the-bench'
const linkCount = 1_000
const mostAtOnce = 500
const lanes = 64
const startMs = 60_000
const main = (name: string) => resolve(import.meta.dirname, `../../../../shortener/dist/src/${name}.js`)

/** A shortener whose links are followed, and whose clicks a worker counts that is still to be started. */
export class Clicked {
  /** How many redirects were answered, in all. */
  followed = 0
  readonly stream = 'shortener:clicks'
  readonly workerFile: string = main('worker')
  readonly workerEnv: Record<string, string>
  readonly #base: string
  readonly #postgres: OwnPostgres
  readonly #server: Child
  readonly #agent = new Agent({ keepAlive: true, maxSockets: lanes })
  #codes: string[] = []

  private constructor(env: Record<string, string>, postgres: OwnPostgres, server: Child) {
    this.workerEnv = { ...env, WORKER_PORT: '0' }
    this.#base = env.BASE_URL!
    this.#postgres = postgres
    this.#server = server
  }

  static async start(redisUrl: string): Promise<Clicked> {
    const postgres = await startPostgres({ own: true })
    const port = await freePort()
    const env = {
      PORT: `${port}`,
      BASE_URL: `http://127.0.0.1:${port}`,
      DATABASE_URL: postgres.url,
      REDIS_URL: redisUrl,
      CLICK_WORKER: 'apart',
      BOOTSTRAP_API_KEY: key,
      LOG_LEVEL: 'error',
      LIMIT_ADDRESS: '1000000000',
      LIMIT_KEY: '1000000000',
      LIMIT_CREATES: '1000000000',
    }
    const migration = await forkFixture(main('migrate'), { env })
    assert.equal((await migration.exit).code, 0, migration.output())
    const clicked = new Clicked(env, postgres, await forkFixture(main('server'), { env }))
    await clicked.#makeLinks()
    return clicked
  }

  /** Answered redirects, spread evenly over the links. */
  async follow(count: number): Promise<void> {
    let sent = 0
    const lane = async () => {
      while (sent < count) await this.#follow(this.#codes[sent++ % linkCount]!)
    }
    await Promise.all(Array.from({ length: lanes }, lane))
    this.followed += count
  }

  /** Clicks in the totals of all links. */
  async counted(): Promise<number> {
    let sum = 0
    let cursor: string | null = null
    do {
      const page = `/api/v1/links?limit=100${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`
      const { links, nextCursor } = (await this.#api(page)) as {
        links: { clicks: number }[]
        nextCursor: string | null
      }
      for (const { clicks } of links) sum += clicks
      cursor = nextCursor
    } while (cursor)
    return sum
  }

  async release(): Promise<void> {
    this.#agent.destroy()
    await this.#server.release()
    await this.#postgres.release()
  }

  async #makeLinks(): Promise<void> {
    const isReady = () => fetch(`${this.#base}/readyz`).then(({ ok }) => ok)
    await waitFor(isReady, { what: `the shortener answering:\n${this.#server.output()}`, timeoutMs: startMs })
    for (let made = 0; made < linkCount; made += mostAtOnce) {
      const links = Array.from({ length: mostAtOnce }, (_, n) => ({ url: `https://example.com/${made + n}` }))
      const { results } = (await this.#api('/api/v1/links/bulk', { links })) as {
        results: { link: { code: string } }[]
      }
      this.#codes.push(...results.map(({ link }) => link.code))
    }
  }

  async #api(path: string, body?: unknown): Promise<unknown> {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
    const sent = body === undefined ? { headers } : { method: 'POST', headers, body: JSON.stringify(body) }
    const answer = await fetch(`${this.#base}${path}`, sent)
    assert(answer.ok, `${path} is answered by ${answer.status}`)
    return answer.json()
  }

  #follow(code: string): Promise<void> {
    return new Promise((resolve, reject) => {
      get(`${this.#base}/${code}`, { agent: this.#agent }, (response) => {
        response.once('end', () => {
          if (response.statusCode === 302) resolve()
          else reject(new Error(`a redirect is answered by ${response.statusCode}`))
        })
        response.resume()
      }).once('error', reject)
    })
  }
}
