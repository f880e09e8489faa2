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

const keys = ['name', 'severity', 'summary', 'labels', 'value', 'threshold', 'runbookUrl', 'dashboardUrl', 'details']

const mostDetails = 65_536
const mostText = 10_000

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

const detailsRule: given.Rule = {
  must: `an object that is at most ${mostDetails} bytes of JSON`,
  test: (value) => given.object.test(value) && Buffer.byteLength(JSON.stringify(value)) <= mostDetails,
}

/**
 * @throws ERR_ALERTS_OPTION
 * @throws ERR_ALERTS_UNKNOWN_OPTION
 */
export function checkAlert(input: AlertInput): Alert {
  given.takeObject('the alert', input, keys, 'alert')
  const { name, labels } = checkId(input)
  const summary = given.need('summary', input.summary, given.text)
  given.need('severity', input.severity, given.oneOf(severities))
  given.take('value', input.value, given.number)
  given.take('threshold', input.threshold, given.number)
  given.take('runbookUrl', input.runbookUrl, given.webAddress)
  given.take('dashboardUrl', input.dashboardUrl, given.webAddress)
  given.take('details', input.details, detailsRule)
  // A copy, so that who fired it may go on using its own.
  const details = input.details && JSON.parse(JSON.stringify(input.details))
  return { ...input, name, labels, summary: summary.slice(0, mostText), ...(details && { details }) }
}

/** @throws ERR_ALERTS_OPTION */
export function checkId({ name, labels = {} }: AlertId, of: string = ''): Required<AlertId> {
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
