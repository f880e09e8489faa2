import { createHash } from 'node:crypto'
import * as given from './given.js'

/** From the least to the most severe. */
export const severities = ['info', 'warning', 'error', 'critical'] as const

export type Severity = (typeof severities)[number]

/** What tells one problem from another: its name, and its labels. */
export interface AlertId {
  name: string
  /** What is affected, as `{ host: 'db-1' }`. Few and lasting values: each set is a problem of its own. */
  labels?: Record<string, string>
}

/** A problem that is told. */
export interface AlertInput extends AlertId {
  severity: Severity
  /** What is wrong, in a sentence. */
  summary: string
  /** What was measured, and the limit it passed. */
  value?: number
  threshold?: number
  /** Where to read what to do, and where to look: http or https URLs. */
  runbookUrl?: string
  dashboardUrl?: string
  /** Anything else that helps, as JSON of at most 64 KB; not part of what tells problems apart. */
  details?: Record<string, unknown>
}

export interface Alert extends Omit<AlertInput, 'labels'> {
  labels: Record<string, string>
  /** The rule that fires it, and how often that wants it repeated. */
  rule?: string
  repeatMs?: number
}

const labelsRule: given.Rule = {
  must: 'an object of at most 50 texts, each of at most 1000 characters',
  test: (value) =>
    given.object.test(value) &&
    Object.keys(value as object).length <= 50 &&
    Object.entries(value as object).every(
      ([key, text]) => typeof text === 'string' && key.length + text.length <= 1_000,
    ),
}

const nameRule: given.Rule = {
  must: 'a text of 1 to 200 characters',
  test: (value) => given.text.test(value) && (value as string).length <= 200,
}

/** @throws ERR_ALERTS_OPTION */
export function checkId({ name, labels = {} }: AlertId, of: string): Required<AlertId> {
  given.need(`${of}name`, name, nameRule)
  given.take(`${of}labels`, labels, labelsRule)
  return { name, labels: { ...labels } }
}

/**
 * The same for the same problem in every process and after every restart. It fits PagerDuty's dedup_key, which takes 255
 * characters. Neither the time nor the severity is part of it, so that a resolve and a change of severity find their incident.
 */
export function keyOf(service: string, { name, labels }: Required<AlertId>): string {
  const sorted = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))
  const digest = createHash('sha256')
    .update(JSON.stringify([service, name, sorted]))
    .digest('hex')
  const readable = `${service}/${name}`.replace(/[^\w./-]/g, '_').slice(0, 200)
  return `${readable}/${digest.slice(0, 32)}`
}

export function rankOf(severity: Severity): number {
  return severities.indexOf(severity)
}
