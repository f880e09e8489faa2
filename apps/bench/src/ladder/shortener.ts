import { resolve } from 'node:path'
import { forkFixture, freePort, type Postgres, startPostgres, waitFor } from '@steadfast/testing'
import type { Rung } from './measure.js'
import { target } from './workload.js'

const key = 'bootstrap-key-of-the-bench'
const main = (name: string) => resolve(import.meta.dirname, `../../../../shortener/dist/src/${name}.js`)

interface Prepared {
  postgres: Postgres
  env: Record<string, string>
  /** Of its one link. */
  url: URL
}

let prepared: Promise<Prepared> | undefined

/** The application as its users run it, on a database with one link. */
export const shortener: Rung = {
  name: 'shortener',
  about: 'apps/shortener: all seven plugins, in memory; clicks to PostgreSQL, access lines off by the level',
  parts: [],
  servers: ['postgresql'],
  async program() {
    prepared ??= prepare()
    const { env, url } = await prepared
    return { file: main('server'), env, url }
  },
  async release() {
    await (await prepared)?.postgres.release()
    prepared = undefined
  },
}

async function prepare(): Promise<Prepared> {
  const postgres = await startPostgres({ own: true })
  const port = await freePort()
  const base = `http://127.0.0.1:${port}`
  const env = {
    PORT: `${port}`,
    BASE_URL: base,
    DATABASE_URL: postgres.url,
    BOOTSTRAP_API_KEY: key,
    LOG_LEVEL: 'warn',
    LIMIT_ADDRESS: '1000000000',
  }
  await (await forkFixture(main('migrate'), { env })).exit
  const server = await forkFixture(main('server'), { env })
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  const create = () => fetch(`${base}/api/v1/links`, { method: 'POST', headers, body: JSON.stringify({ url: target }) })
  const created = await waitFor(create, { what: 'the shortener answering' })
  const { shortUrl } = (await created.json()) as { shortUrl: string }
  await server.release()
  return { postgres, env, url: new URL(shortUrl) }
}
