import { type CheckOptions, type CheckResult, checkOptions, type HealthCheck } from '../check.js'
import * as rules from '../rules.js'
import { oneAtATime } from './one-at-a-time.js'

/** What is called of a client or pool of `pg`. */
export interface PgLike {
  query(query: { text: string; query_timeout: number }): Promise<unknown>
  /** Of a pool. */
  readonly options?: { readonly max?: number }
  readonly totalCount?: number
  readonly idleCount?: number
  readonly waitingCount?: number
  on?(event: 'release', listener: (error?: unknown) => void): unknown
  removeListener?(event: 'release', listener: (error?: unknown) => void): unknown
}

/**
 * Asks PostgreSQL `SELECT 1`, through a pool or a client of `pg`. It does not queue up for a pool whose connections are all
 * in use: that is a warning, and a failure if not one of them came back since the last run.
 * @throws ERR_HEALTH_OPTION
 * @throws ERR_HEALTH_UNKNOWN_OPTION
 */
export function pgCheck(client: PgLike, options: CheckOptions = {}): HealthCheck {
  rules.takeObject('pgCheck', options, checkOptions)
  if (typeof client?.query !== 'function') rules.fail('pgCheck(client)', 'a client or pool of pg', client)
  const query_timeout = rules.take('pgCheck.timeoutMs', options.timeoutMs, rules.duration, 1_000)
  // After the timeout the pool drops the connection, instead of handing it out with an answer still to come.
  const ask = oneAtATime(async () => client.query({ text: 'SELECT 1', query_timeout }))
  let isListening = false
  let cameBack = true
  const onRelease = (error?: unknown) => {
    cameBack ||= !error
  }

  function full(): CheckResult {
    const moves = cameBack
    cameBack = false
    const output = `all ${client.totalCount} connections are in use, ${client.waitingCount ?? 0} requests wait`
    if (!moves) throw new Error(`${output}, and none came back since the last run`)
    return { status: 'warn', output }
  }

  return {
    ...options,
    run(signal) {
      if (!isListening) client.on?.('release', onRelease)
      isListening = true
      const isFull = client.idleCount === 0 && client.totalCount === client.options?.max
      if (isFull) return full()
      cameBack = true
      return ask(signal)
    },
    close() {
      if (isListening) client.removeListener?.('release', onRelease)
      isListening = false
    },
  }
}
