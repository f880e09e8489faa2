import { type Alert, type Severity, severities } from './alert.js'
import * as given from './given.js'

/** Picks alerts: all that is named must match. */
export interface Matcher {
  name?: string | RegExp
  severity?: Severity | readonly Severity[]
  labels?: Record<string, string | RegExp>
}

const pattern: given.Rule = {
  must: 'a text or a regular expression',
  test: (value) => typeof value === 'string' || value instanceof RegExp,
}

const severityRule: given.Rule = {
  must: `one of ${severities.join(', ')}, or a list with one of them at least`,
  test: (value) => [value].flat().length > 0 && [value].flat().every((each) => severities.includes(each as Severity)),
}

/**
 * @throws ERR_ALERTS_OPTION
 * @throws ERR_ALERTS_UNKNOWN_OPTION
 */
export function checkMatcher(of: string, matcher: Matcher): Matcher {
  given.takeObject(of, matcher, ['name', 'severity', 'labels'])
  given.take(`${of}.name`, matcher.name, pattern)
  given.take(`${of}.severity`, matcher.severity, severityRule)
  given.take(`${of}.labels`, matcher.labels, given.object)
  for (const [label, value] of Object.entries(matcher.labels ?? {})) given.need(`${of}.labels.${label}`, value, pattern)
  return matcher
}

export function matches({ name, severity, labels }: Matcher, alert: Alert): boolean {
  if (name !== undefined && !fits(name, alert.name)) return false
  if (severity !== undefined && ![severity].flat().includes(alert.severity)) return false
  return Object.entries(labels ?? {}).every(([label, wanted]) => fits(wanted, alert.labels[label]))
}

function fits(wanted: string | RegExp, value: string | undefined): boolean {
  if (typeof wanted === 'string') return wanted === value
  wanted.lastIndex = 0 // one with the flag g goes on from its last match
  return value !== undefined && wanted.test(value)
}

/** As JSON can hold it. */
export function packMatcher(matcher: Matcher): unknown {
  return JSON.parse(
    JSON.stringify(matcher, (_key, value) =>
      value instanceof RegExp ? { $pattern: [value.source, value.flags] } : value,
    ),
  )
}

/** @throws SyntaxError if it holds what is no regular expression */
export function unpackMatcher(packed: unknown): Matcher {
  return JSON.parse(JSON.stringify(packed), (_key, value) =>
    Array.isArray(value?.$pattern) ? new RegExp(value.$pattern[0], value.$pattern[1]) : value,
  ) as Matcher
}
