import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { askKeeper } from './keeper/client.js'
import { type OwnNode, ownNode } from './own-server.js'
import type { Node, PostgresOptions } from './servers/server.js'

export interface Postgres {
  /** `postgres://…` of a new, empty database. */
  readonly url: string
  /** Drops the database, or ends the server if it is the caller's own. */
  release(): Promise<void>
}

export interface OwnPostgres extends OwnNode, Postgres {}

/**
 * A new, empty database on a real PostgreSQL: the one at `TEST_DATABASE_URL`, or one that all tests of a run share.
 * With `own: true`, on a server for the caller alone, which it may freeze and kill.
 */
export function startPostgres(options?: { own?: false }): Promise<Postgres>
export function startPostgres(options: { own: true } & PostgresOptions): Promise<OwnPostgres>
export async function startPostgres({
  own = false,
  ...options
}: { own?: boolean } & PostgresOptions = {}): Promise<Postgres> {
  if (!own && process.env.TEST_DATABASE_URL) return createDatabase(process.env.TEST_DATABASE_URL)
  const { server, info } = await askKeeper<{ server: string; info: { nodes: Node[] } }>({
    do: 'start',
    kind: 'postgres',
    options,
    shared: !own,
  })
  const node = info.nodes[0]!
  if (!own) return createDatabase(node.url)
  const ownPostgres: OwnPostgres = { ...ownNode(server, 0, node), release: () => askKeeper({ do: 'stop', server }) }
  return ownPostgres
}

async function createDatabase(serverUrl: string): Promise<Postgres> {
  const name = `steadfast_test_${randomUUID().replaceAll('-', '')}`
  await runOn(serverUrl, `CREATE DATABASE ${name}`)
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  return { url: url.href, release: () => runOn(serverUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) }
}

async function runOn(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 60_000, query_timeout: 60_000 })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}
