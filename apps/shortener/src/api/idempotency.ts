import { createHash } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Database, Queryable } from '../database/database.js'
import { IdempotencyKeyError, IdempotencyMismatchError } from '../errors.js'

/** For how long a repeated request gets the first one's answer. */
const keptFor = "interval '24 hours'"

interface Answer {
  status: number
  body: unknown
}

/**
 * Does the work of a POST once for each `Idempotency-Key` that its API key sends, and gives every repetition the same
 * answer. Those that come while the first is at work wait for it, since they insert the same row. What fails is rolled
 * back with the row, so it may be tried again.
 * @throws ERR_SHORTENER_IDEMPOTENCY_KEY, ERR_SHORTENER_IDEMPOTENCY_MISMATCH
 */
export async function answerOnce<T extends Answer>(
  database: Database,
  request: FastifyRequest,
  reply: FastifyReply,
  work: (database: Queryable) => Promise<T>,
): Promise<T> {
  const key = request.headers['idempotency-key']
  if (key === undefined) return work(database)
  if (typeof key !== 'string' || !/^[\x21-\x7e]{1,255}$/.test(key)) {
    throw new IdempotencyKeyError('must be 1 to 255 visible ASCII characters')
  }
  const hash = createHash('sha256')
    .update(`${request.routeOptions.url} ${JSON.stringify(request.body)}`)
    .digest()
  const row = [request.apiKey.id, key]
  return database.transaction(async (transaction) => {
    const isFirst = await transaction.query(
      `INSERT INTO idempotency_keys AS known (api_key_id, key, request_hash) VALUES ($1, $2, $3)
       ON CONFLICT (api_key_id, key) DO UPDATE
         SET request_hash = excluded.request_hash, status = NULL, body = NULL, created_at = excluded.created_at
         WHERE known.created_at < now() - ${keptFor}
       RETURNING key`,
      [...row, hash],
    )
    if (isFirst.length === 0) {
      const [known] = await transaction.query<{ isSame: boolean; status: number; body: string }>(
        `SELECT request_hash = $3 AS "isSame", status, body FROM idempotency_keys WHERE api_key_id = $1 AND key = $2`,
        [...row, hash],
      )
      if (!known?.isSame) throw new IdempotencyMismatchError()
      reply.header('idempotent-replayed', 'true')
      return { status: known.status, body: JSON.parse(known.body) } as T
    }
    const answer = await work(transaction)
    await transaction.query('UPDATE idempotency_keys SET status = $3, body = $4 WHERE api_key_id = $1 AND key = $2', [
      ...row,
      answer.status,
      JSON.stringify(answer.body),
    ])
    return answer
  })
}

/** Forgets the answers that are no longer given. */
export async function deleteOldAnswers(database: Queryable): Promise<void> {
  await database.query(`DELETE FROM idempotency_keys WHERE created_at < now() - ${keptFor}`)
}
