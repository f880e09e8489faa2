import { DatabaseUnavailableError } from '../errors.js'

/**
 * SQLSTATE classes (PostgreSQL's manual, appendix A) that say nothing of the statement, but that the database can't serve
 * now: connection, authorization, resources, operator, system; and 25006, a standby that takes no writes.
 */
const sqlStates = /^(08|28|53|57|58|25006)/

/** What pg says when a connection does not come about in time, or breaks. It gives these no code. */
const pgMessages = /timeout|connection terminated|not queryable|after calling end/i

const socketErrors = /^(ECONN|EHOST|ENET|EPIPE$|ETIMEDOUT$|ENOTFOUND$|EAI_AGAIN$|EADDRNOTAVAIL$)/

/** The error to tell, if the database is away, as opposed to saying no to what was asked. */
export function unavailable(error: unknown): Error | undefined {
  const { code = '', message } = error as { code?: string; message: string }
  const isAway = code ? socketErrors.test(code) || (isSqlState(code) && sqlStates.test(code)) : pgMessages.test(message)
  return isAway ? new DatabaseUnavailableError({ cause: error }) : undefined
}

/** Whether the answer will be no however long one waits: a wrong password or name, no permission. */
export function isRefusal(error: unknown): boolean {
  const { code = '' } = error as { code?: string }
  return isSqlState(code) && !/^(08|53|57)/.test(code)
}

function isSqlState(code: string): boolean {
  return /^\d[\dA-Z]{4}$/.test(code)
}
