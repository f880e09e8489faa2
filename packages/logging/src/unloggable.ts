import type { LogFn, Logger } from 'pino'

type Arguments = Parameters<LogFn>
type LogMethod = (this: Logger, args: Arguments, method: LogFn, level: number) => void

/** What can't be logged, as an object whose getter throws, is logged as far as it can be: no line throws. */
export function neverThrowing(given: LogMethod | undefined): LogMethod {
  return function logMethod(args, method, level) {
    // A message that is no text would end up in the line as it is, and that would be no JSON.
    if (typeof args[0] === 'object' ? args.length > 1 && typeof args[1] !== 'string' : typeof args[0] !== 'string') {
      const message = typeof args[0] === 'object' ? 1 : 0
      if (args[message] !== undefined) args[message] = textOf(args[message]) as never
    }
    try {
      if (given) given.call(this, args, method, level)
      else method.apply(this, args)
    } catch (error) {
      const [details, ...rest] = args as unknown[]
      try {
        method.apply(this, [{ ...readable(details), unloggable: textOf(error) }, ...rest.map(harmless)] as never)
      } catch (again) {
        method.call(this, `a line could not be logged: ${textOf(again)}`)
      }
    }
  }
}

/** Of each field its value, or why it can't be told. */
function readable(details: unknown): Record<string, unknown> {
  if (typeof details !== 'object' || details === null) return { details: harmless(details) }
  const fields: Record<string, unknown> = {}
  let keys: string[] = []
  try {
    keys = Object.keys(details)
  } catch {
    // a proxy that tells none
  }
  for (const key of keys) {
    try {
      const value: unknown = Reflect.get(details, key)
      fields[key] = typeof value === 'object' ? JSON.parse(JSON.stringify(value)) : value
    } catch (error) {
      fields[key] = `[${textOf(error)}]`
    }
  }
  return fields
}

function harmless(value: unknown): unknown {
  return typeof value === 'object' ? textOf(value) : value
}

function textOf(value: unknown): string {
  try {
    return value instanceof Error ? value.message : `${value}`
  } catch {
    return 'unknown'
  }
}
