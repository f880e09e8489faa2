import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLogger, type SteadfastLogger } from '@steadfast/logging'
import { startPostgres } from '@steadfast/testing'
import type { FastifyInstance, InjectOptions } from 'fastify'
import type { Test } from 'tap'
import { buildApp } from '../src/app.js'
import { parseConfig } from '../src/config.js'
import type { Database } from '../src/database/database.js'
import { openDatabase } from '../src/database/open.js'
import { generateKey, saveBootstrapKey } from '../src/keys/repository.js'

export const silent = createLogger({ level: 'silent', console: false })

/** Limits that no test reaches by accident. */
export const noLimits = Object.fromEntries(
  ['ADDRESS', 'NOT_FOUND', 'FAILED_KEYS', 'KEY', 'CREATES'].map((name) => [`LIMIT_${name}`, '1000000000']),
)

/** A log whose lines can be read. */
export function readableLog(
  t: Test,
  level = 'info',
): { log: SteadfastLogger; lines(): Promise<Record<string, unknown>[]> } {
  const folder = mkdtempSync(join(tmpdir(), 'log-'))
  const path = join(folder, 'app.log')
  const log = createLogger({ level, console: false, file: { path } })
  t.teardown(async () => {
    await log.close()
    rmSync(folder, { recursive: true })
  })
  return {
    log,
    async lines() {
      await new Promise((resolve) => log.flush(resolve))
      const texts = readFileSync(path, 'utf8').split('\n').filter(Boolean)
      return texts.map((line) => JSON.parse(line) as Record<string, unknown>)
    },
  }
}

export interface Answer {
  status: number
  headers: Record<string, unknown>
  // biome-ignore lint/suspicious/noExplicitAny: JSON, which each test knows
  body: any
}

export type Method = 'GET' | 'HEAD' | 'POST' | 'PATCH' | 'PUT' | 'DELETE' | 'OPTIONS'

/** Requests to an app without a network, and all their answers. */
export class Client {
  readonly app: FastifyInstance
  readonly database: Database
  readonly key: string
  readonly answers: (Answer & { method: Method; url: string })[] = []

  constructor(app: FastifyInstance, database: Database, key: string) {
    this.app = app
    this.database = database
    this.key = key
  }

  async send(options: InjectOptions): Promise<Answer> {
    const response = await this.app.inject(options)
    const isJson = /json/.test(`${response.headers['content-type']}`)
    const body = isJson && response.body ? JSON.parse(response.body) : response.body
    const answer = { status: response.statusCode, headers: response.headers, body }
    this.answers.push({ method: options.method as Method, url: `${options.url}`, ...answer })
    return answer
  }

  /** A request to a path below /api/v1, with the operator's key unless another is given. */
  api(method: Method, path: string, payload?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const type: Record<string, string> = payload === undefined ? {} : { 'content-type': 'application/json' }
    const all = { authorization: `Bearer ${this.key}`, ...type, ...headers }
    const body = payload === undefined ? {} : { payload: payload as string }
    return this.send({ method, url: `/api/v1${path}`, headers: all, ...body })
  }

  follow(code: string, headers: Record<string, string> = {}, method: Method = 'GET'): Promise<Answer> {
    return this.send({ method, url: `/${code}`, headers })
  }
}

/** A new database of each kind, by name. */
export const databases: Record<string, (t: Test) => Promise<string>> = {
  async PostgreSQL(t) {
    const postgres = await startPostgres()
    t.teardown(() => postgres.release())
    return postgres.url
  },
  async PGlite(t) {
    const folder = mkdtempSync(join(tmpdir(), 'api-'))
    t.teardown(() => rmSync(folder, { recursive: true }))
    return `pglite://${folder}`
  },
}

/** An app on a migrated database, for as long as the test. `wrap` may put something between the two. */
export async function startApp(
  t: Test,
  databaseUrl: string,
  {
    env = {},
    wrap = (database) => database,
  }: { env?: Record<string, string>; wrap?: (database: Database) => Database } = {},
): Promise<Client> {
  const config = parseConfig({ BASE_URL: 'https://sho.rt', DATABASE_URL: databaseUrl, ...noLimits, ...env })
  const database = await openDatabase(config, silent)
  await database.migrate()
  const key = generateKey()
  await saveBootstrapKey(database, key)
  const app = buildApp(config, { database: wrap(database), redis: undefined, log: silent })
  t.teardown(async () => {
    await app.close()
    await database.close()
  })
  return new Client(app, database, key)
}
