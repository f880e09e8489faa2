import { type CheckOptions, type CheckResult, checkOptions, type HealthCheck } from '../check.js'
import * as rules from '../rules.js'
import { oneAtATime } from './one-at-a-time.js'

/** What is called of a client or a pool of `pg`. */
export interface PgLike {
  query(query: { text: string; query_timeout: number }): Promise<unknown>
}

/** What is called of a pool besides. */
export interface PgPoolLike extends PgLike {
  readonly options: { readonly max?: number | undefined; connectionTimeoutMillis?: number | undefined }
  readonly totalCount: number
  readonly idleCount: number
  readonly waitingCount: number
  on(event: 'release', listener: (error?: unknown) => void): unknown
  removeListener(event: 'release', listener: (error?: unknown) => void): unknown
}

/**
 * Asks PostgreSQL `SELECT 1`, through a pool or a client of `pg`. It does not queue up for a pool whose connections are all
 * in use: that is a warning, and a failure if not one of them came back since the last run.
 * @throws ERR_HEALTH_OPTION
 * @throws ERR_HEALTH_UNKNOWN_OPTION
 */
export function pgCheck(client: PgLike | PgPoolLike, options: CheckOptions = {}): HealthCheck {
  rules.takeObject('pgCheck', options, checkOptions)
  if (typeof client?.query !== 'function') rules.refuse('pgCheck(client)', 'a client or pool of pg', client)
  const query_timeout = rules.take('pgCheck.timeoutMs', options.timeoutMs, rules.duration, 1_000)
  // After the timeout the pool drops the connection, instead of handing it out with an answer still to come.
  const query = () => client.query({ text: 'SELECT 1', query_timeout })
  const ask = oneAtATime(async () => ('totalCount' in client ? inTime(client, query_timeout, query) : query()))
  const when = { ...options, run: ask }
  return 'totalCount' in client ? { ...when, ...watchingPool(client, ask) } : when
}

/**
 * A pool that has no deadline for new connections waits for ever for one that does not come about, and then so would each
 * later run. It reads the option while it is called, so that ours is there for no other caller.
 */
function inTime(pool: PgPoolLike, deadlineMs: number, query: () => Promise<unknown>): Promise<unknown> {
  const { options } = pool
  const { connectionTimeoutMillis } = options
  if (connectionTimeoutMillis) return query()
  options.connectionTimeoutMillis = deadlineMs
  try {
    return query()
  } finally {
    options.connectionTimeoutMillis = connectionTimeoutMillis
  }
}

/** Says no to a pool that is full before `ask` would queue up for it. */
function watchingPool(pool: PgPoolLike, ask: HealthCheck['run']): Pick<HealthCheck, 'run' | 'close'> {
  let isListening = false
  let cameBack = true
  const onRelease = (error?: unknown) => {
    cameBack ||= !error
  }
  return {
    run(signal) {
      if (!isListening) pool.on('release', onRelease)
      isListening = true
      const moves = cameBack
      const isFull = pool.idleCount === 0 && pool.totalCount === pool.options.max
      cameBack = !isFull
      if (!isFull) return ask(signal)
      const output = `all ${pool.totalCount} connections are in use, ${pool.waitingCount} requests wait`
      if (!moves) throw new Error(`${output}, and none came back since the last run`)
      return { status: 'warn', output } satisfies CheckResult
    },
    close() {
      if (isListening) pool.removeListener('release', onRelease)
      isListening = false
    },
  }
}
