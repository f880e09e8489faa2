import { constants } from 'node:os'
import { inspect } from 'node:util'
import { HookError, OptionError } from './errors.js'
import type { Hook, HookFunction } from './hooks.js'
import { type DrainPhase, drainPhases } from './lifecycle.js'
import type { ShutdownReport } from './report.js'

/** Who supervises the process, and is told of its state. */
export type Manager = 'pm2' | 'cluster' | 'systemd'

export interface ShutdownOptions {
  /**
   * The signals that end the process, by way of a drain. One handler serves all apps of the process; it is there from
   * listen to close. false: nothing is installed on the process, the app's own handler calls `app.shutdown.begin()`.
   * Default SIGTERM and SIGINT.
   */
  signals?: NodeJS.Signals[] | false
  /**
   * How long to keep serving, unready, before the server closes: as long as it takes the balancer to see it, in ms, 0 to
   * 600_000. 'auto' is 0 on a terminal and where NODE_ENV is not production, else 5_000. Default 'auto'.
   */
  delayMs?: number | 'auto'
  /** How long everything after the delay may take, in ms, 10 to 3_600_000. Default 25_000. */
  deadlineMs?: number
  /** A kept connection is closed once it was idle for this long while the server closes, in ms, 10 to 60_000. Default 100. */
  idleSweepMs?: number
  /**
   * How long connections that have sent no request, or half of one, may still do so while the server closes, in ms, 0 to
   * deadlineMs. Default 1_000, or deadlineMs where that is less.
   */
  preRequestGraceMs?: number
  /** What a second signal does: 'force' exits 1 at once, 'ignore' leaves the drain alone. Default 'force'. */
  secondSignal?: 'force' | 'ignore'
  /** What an uncaught exception does, after its fatal line: 'drain' and exit 1, or 'exit' 1 at once. Default 'drain'. */
  onUncaught?: 'drain' | 'exit'
  /** What an unhandled rejection does: 'drain' as an uncaught exception, or 'log' and go on. Default 'drain'. */
  onRejection?: 'drain' | 'log'
  /**
   * 'pm2' and 'cluster': the parent gets the message 'ready' once the app listens, and its message 'shutdown' ends the process.
   * 'systemd': systemd-notify is called with READY=1 and STOPPING=1. Default none.
   */
  managers?: Manager[]
  /** Called once with what happened, before the process exits. */
  onReport?: (report: ShutdownReport) => void
}

export interface HookOptions {
  /**
   * When it runs. 'consumers': before HTTP closes; stops what takes in new work. 'flush': after the last answer; writes
   * what still needs its clients. 'connections': once Fastify has closed; closes clients. 'logs': last.
   */
  phase: DrainPhase
  /** How long it may take, in ms, 1 to deadlineMs. Default 5_000, or deadlineMs where that is less. */
  budgetMs?: number
  /** Names of hooks that are to end before it starts. Default none: the hooks of a phase run side by side. */
  after?: string[]
}

export interface ResolvedOptions extends Required<Omit<ShutdownOptions, 'signals' | 'delayMs' | 'onReport'>> {
  signals: NodeJS.Signals[]
  delayMs: number
  onReport: ((report: ShutdownReport) => void) | undefined
  /** How long whoever runs the process waits before it kills it, where TERMINATION_GRACE_MS says so. */
  terminationGraceMs: number | undefined
}

interface Surroundings {
  env: NodeJS.ProcessEnv
  isTerminal: boolean
}

const names = [
  'signals',
  'delayMs',
  'deadlineMs',
  'idleSweepMs',
  'preRequestGraceMs',
  'secondSignal',
  'onUncaught',
  'onRejection',
  'managers',
  'onReport',
] as const satisfies (keyof ShutdownOptions)[]

/** @throws ERR_SHUTDOWN_OPTION */
export function resolveOptions(
  options: ShutdownOptions = {},
  { env, isTerminal }: Surroundings = { env: process.env, isTerminal: Boolean(process.stdout.isTTY) },
): ResolvedOptions {
  const given = options as Record<string, unknown>
  for (const name of Object.keys(given)) {
    const isKnown = (names as readonly string[]).includes(name)
    if (!isKnown) throw new OptionError(name, `is unknown; there are ${names.join(', ')}`, inspect(given[name]))
  }
  const integer = (name: keyof ShutdownOptions, fallback: number, least: number, most: number) => {
    const value = given[name] === undefined ? fallback : given[name]
    if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most) return value as number
    throw new OptionError(name, `must be a whole number of ms from ${least} to ${most}`, inspect(value))
  }
  const oneOf = <T extends string>(name: keyof ShutdownOptions, fallback: T, other: T) => {
    const value = given[name] === undefined ? fallback : given[name]
    if (value === fallback || value === other) return value as T
    throw new OptionError(name, `must be '${fallback}' or '${other}'`, inspect(value))
  }
  const listOf = <T extends string>(name: keyof ShutdownOptions, choices: readonly T[], what: string) => {
    const value = given[name]
    if (Array.isArray(value) && value.every((item) => choices.includes(item))) return [...new Set<T>(value)]
    throw new OptionError(name, `must be ${what}`, inspect(value))
  }
  const autoDelayMs = isTerminal || env.NODE_ENV !== 'production' ? 0 : 5_000
  const deadlineMs = integer('deadlineMs', 25_000, 10, 3_600_000)
  const { signals, onReport } = options
  if (onReport !== undefined && typeof onReport !== 'function') {
    throw new OptionError('onReport', 'must be a function', inspect(onReport))
  }
  return {
    signals: signals === undefined ? ['SIGTERM', 'SIGINT'] : signals === false ? [] : catchable(),
    delayMs: options.delayMs === 'auto' ? autoDelayMs : integer('delayMs', autoDelayMs, 0, 600_000),
    deadlineMs,
    idleSweepMs: integer('idleSweepMs', 100, 10, 60_000),
    preRequestGraceMs: integer('preRequestGraceMs', Math.min(1_000, deadlineMs), 0, deadlineMs),
    secondSignal: oneOf('secondSignal', 'force', 'ignore'),
    onUncaught: oneOf('onUncaught', 'drain', 'exit'),
    onRejection: oneOf('onRejection', 'drain', 'log'),
    managers: given.managers === undefined ? [] : listOf('managers', managers, `a list of ${managers.join(', ')}`),
    onReport,
    terminationGraceMs: terminationGrace(env.TERMINATION_GRACE_MS),
  }

  function catchable(): NodeJS.Signals[] {
    const what = 'false or a list of signals that can be caught'
    const list = listOf('signals', Object.keys(constants.signals) as NodeJS.Signals[], what)
    if (list.length > 0 && !list.includes('SIGKILL') && !list.includes('SIGSTOP')) return list
    throw new OptionError('signals', `must be ${what}`, inspect(list))
  }
}

const managers: Manager[] = ['pm2', 'cluster', 'systemd']

function terminationGrace(value: string | undefined): number | undefined {
  if (!value) return undefined
  if (/^\d+$/.test(value)) return Number(value)
  throw new OptionError('TERMINATION_GRACE_MS, from the environment,', 'must be a whole number of ms', inspect(value))
}

/** How long a hook may take that does not say. */
export function defaultBudgetMs(deadlineMs: number): number {
  return Math.min(5_000, deadlineMs)
}

/** @throws ERR_SHUTDOWN_HOOK */
export function resolveHook(name: string, run: HookFunction, options: HookOptions, deadlineMs: number): Hook {
  if (typeof name !== 'string' || name === '') throw new HookError('', 'must have a name', inspect(name))
  const refuse = (rule: string, value: unknown): never => {
    throw new HookError(`'${name}'`, rule, inspect(value))
  }
  if (typeof run !== 'function') refuse('must be a function', run)
  if (typeof options !== 'object' || options === null) refuse('must have options', options)
  const { phase, budgetMs = defaultBudgetMs(deadlineMs), after = [], ...unknown } = options
  const [key] = Object.keys(unknown)
  if (key !== undefined) refuse(`has an unknown option ${key}; there are phase, budgetMs, after`, options)
  if (!drainPhases.includes(phase)) refuse(`must have a phase: ${drainPhases.join(', ')}`, phase)
  if (!Number.isInteger(budgetMs) || budgetMs < 1 || budgetMs > deadlineMs) {
    refuse(`must have a budgetMs that is a whole number from 1 to deadlineMs, ${deadlineMs}`, budgetMs)
  }
  if (!Array.isArray(after) || after.some((other) => typeof other !== 'string')) {
    refuse('must have a list of names as after', after)
  }
  return { name, phase, budgetMs, after, run }
}
