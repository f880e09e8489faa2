import createError, { type FastifyErrorConstructor } from '@fastify/error'

type Code<Values extends unknown[]> = FastifyErrorConstructor<{ code: string }, Values>

/** An option that is out of range, of the wrong type, or unknown. */
export const OptionError: Code<[name: string, rule: string, value: string]> = createError(
  'ERR_SHUTDOWN_OPTION',
  'the option %s %s, not %s',
  500,
  TypeError,
)

/** A hook that can't be registered as it was given. */
export const HookError: Code<[hook: string, rule: string, value: string]> = createError(
  'ERR_SHUTDOWN_HOOK',
  'the shutdown hook %s %s, not %s',
  500,
  TypeError,
)

export const DuplicateHookError: Code<[hook: string]> = createError(
  'ERR_SHUTDOWN_HOOK_DUPLICATE',
  'there is a shutdown hook named %s already',
)

export const HookCycleError: Code<[cycle: string]> = createError(
  'ERR_SHUTDOWN_HOOK_CYCLE',
  'these shutdown hooks wait for each other: %s',
)

export const UnknownAfterError: Code<[hook: string, after: string]> = createError(
  'ERR_SHUTDOWN_HOOK_AFTER',
  'the shutdown hook %s comes after %s, which is not registered',
)

export const LateHookError: Code<[hook: string]> = createError(
  'ERR_SHUTDOWN_HOOK_LATE',
  'the shutdown hook %s comes too late: the shutdown has begun',
)

/** In the report of a hook that was not done within its budget. */
export const BudgetError: Code<[budgetMs: number]> = createError(
  'ERR_SHUTDOWN_BUDGET',
  'not done within its budget of %d ms',
)

/** The reason of `request.drainSignal`, and in the report of what was still running. */
export const DeadlineError: Code<[deadlineMs: number]> = createError(
  'ERR_SHUTDOWN_DEADLINE',
  'the shutdown is at its deadline of %d ms',
)
