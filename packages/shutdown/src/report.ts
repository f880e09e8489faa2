import { inspect } from 'node:util'
import type { DrainPhase } from './lifecycle.js'

/** What happened on the way out. It can be written as JSON. */
export interface ShutdownReport {
  /** A signal, 'uncaughtException', 'unhandledRejection', 'message', 'close', or what `begin()` was told. */
  reason: string
  /** Whether all went well: nothing cut, no hook failed, no error. What the exit code tells. */
  clean: boolean
  /** From the beginning to this report. */
  durationMs: number
  /** How much of that the app kept serving, unready. */
  delayMs: number
  /** Whether the deadline cut it short. */
  deadlineReached: boolean
  /** The requests that were cut at the deadline. */
  cut: RequestReport[]
  /** What had been registered, in the order in which it ended. */
  hooks: HookReport[]
  connections: ConnectionsReport
  /** Errors that came up meanwhile: uncaught ones, rejections, and what failed while Fastify closed. */
  errors: ErrorReport[]
}

export interface RequestReport {
  method: string
  /** As declared, `/users/:id`; the path itself where the request had not reached a route. */
  route: string
  /** Since it came, half a second more at most. */
  ageMs: number
}

export interface HookReport {
  name: string
  phase: DrainPhase
  outcome: 'done' | 'failed' | 'timeout' | 'cut'
  durationMs: number
  error?: ErrorReport
}

export interface ErrorReport {
  message: string
  code?: string
}

/** How many connections were closed by the drain, and why. */
export interface ConnectionsReport {
  /** Kept, and idle. */
  idle: number
  /** Nothing came, or half a request, within preRequestGraceMs. */
  silent: number
  /** Told to go away: HTTP/2 sessions. */
  sessions: number
  /** Closed with 1001. */
  webSockets: number
  /** Given a last `retry:`. */
  eventStreams: number
}

export function errorReport(error: unknown): ErrorReport {
  const { message, code } = Object(error) as { message?: unknown; code?: unknown }
  const text = typeof message === 'string' ? message : typeof error === 'string' ? error : inspect(error)
  return typeof code === 'string' ? { message: text, code } : { message: text }
}
