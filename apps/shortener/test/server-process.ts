import { type Child, type ChildOptions, forkFixture } from '@steadfast/testing'
import type { Test } from 'tap'
import { noLimits } from './client.js'

const bootstrapKey = 'bootstrap-key-of-a-test'

const main = (name: string) => new URL(`../src/${name}.js`, import.meta.url)

/** Variables of this process that would change what is tested. */
const clean = Object.fromEntries(
  [
    ...[
      'PORT',
      'HOST',
      'BASE_URL',
      'DATABASE_URL',
      'REDIS_URL',
      'REDIS_PREFIX',
      'LOG_LEVEL',
      'LOG_FILE',
      'TRUST_PROXY',
    ],
    ...['BOOTSTRAP_API_KEY', 'CLICK_WORKER', 'OPERATIONS_TOKEN', 'METRICS_PORT', 'ALERTS_DIR', 'INSTANCES', 'NODE_ENV'],
  ]
    .flatMap((name) => [name, `${name}_FILE`])
    .map((name) => [name, undefined]),
)

/** Starts server.ts, migrate.ts or demo.ts, for as long as the test `t`, with no more of the environment than `env`. */
export async function startMain(
  t: Test,
  name: 'server' | 'worker' | 'migrate' | 'demo',
  env: ChildOptions['env'],
): Promise<Child> {
  const child = await forkFixture(main(name), { env: { ...clean, ...env } })
  t.teardown(() => child.release())
  return child
}

export function serverEnv(databaseUrl: string): Record<string, string> {
  return {
    PORT: '0',
    BASE_URL: 'http://sho.rt',
    DATABASE_URL: databaseUrl,
    BOOTSTRAP_API_KEY: bootstrapKey,
    ...noLimits,
  }
}

export async function migrate(t: Test, databaseUrl: string): Promise<void> {
  const child = await startMain(t, 'migrate', serverEnv(databaseUrl))
  const { code } = await child.exit
  if (code !== 0) throw new Error(child.output())
}

export interface RunningServer {
  url: string
  child: Child
  /** To make a link. */
  post(body: unknown): Promise<Response>
  /** A request with the key of the operator, to a path below /api/v1. */
  api(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Response>
}

/** How long a process may take to start, on a machine that has much to do. */
export const startMs = 60_000

/** A server process on a migrated database, once it listens. */
export async function startServer(
  t: Test,
  databaseUrl: string,
  env: Record<string, string> = {},
): Promise<RunningServer> {
  const child = await startMain(t, 'server', { ...serverEnv(databaseUrl), ...env })
  const [, url = ''] = await child.printed(/Server listening at (http:[^"]+)/, startMs)
  const api: RunningServer['api'] = (method, path, body, headers) => {
    const type: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' }
    return fetch(`${url}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${bootstrapKey}`, ...type, ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  }
  return { url, child, api, post: (body) => api('POST', '/links', body) }
}
