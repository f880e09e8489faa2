import { resolve } from 'node:path'
import { forkFixture, freePort, startPostgres, waitFor } from '@steadfast/testing'

/** A server that is running, and the redirect to ask it for. */
export interface Running {
  url: string
  pid: number
  release(): Promise<void>
}

/** One thing to measure. All rungs answer the same request in the same way. */
export interface Rung {
  name: string
  start(): Promise<Running>
}

export const target = 'https://example.com/'

/** The first is what the others are compared with. */
export const rungs: Rung[] = [
  { name: 'bare', start: startBare },
  { name: 'shortener', start: startShortener },
]

async function startBare(): Promise<Running> {
  const child = await forkFixture(new URL('./servers/bare.js', import.meta.url))
  const [, url] = await child.printed(/Server listening at (http:[^"\s]+)/)
  return { url: `${url}/2222222`, pid: child.pid, release: () => child.release() }
}

/** The shortener in a process of its own, on PostgreSQL, without a line for each request. */
async function startShortener(): Promise<Running> {
  const main = (name: string) => resolve(import.meta.dirname, `../../../shortener/dist/src/${name}.js`)
  const postgres = await startPostgres()
  const key = 'bootstrap-key-of-the-bench'
  const port = await freePort()
  const env = {
    PORT: `${port}`,
    BASE_URL: 'http://sho.rt',
    DATABASE_URL: postgres.url,
    BOOTSTRAP_API_KEY: key,
    LOG_LEVEL: 'warn',
  }
  await (await forkFixture(main('migrate'), { env })).exit
  const child = await forkFixture(main('server'), { env })
  const url = `http://127.0.0.1:${port}`
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  const create = () => fetch(`${url}/api/v1/links`, { method: 'POST', headers, body: JSON.stringify({ url: target }) })
  const created = await waitFor(create, { what: 'the shortener answering' })
  const { code } = (await created.json()) as { code: string }
  const release = async () => {
    await child.release()
    await postgres.release()
  }
  return { url: `${url}/${code}`, pid: child.pid, release }
}
