import { inspect } from 'node:util'
import { type Alert, type AlertId, type AlertInput, severities } from './alert.js'
import { clip } from './channels/clip.js'
import { redact } from './delivery/failure.js'
import * as given from './given.js'

const keys = ['name', 'severity', 'summary', 'labels', 'value', 'threshold', 'runbookUrl', 'dashboardUrl', 'details']

const mostName = 200
const mostSummary = 10_000
const mostLabels = 50
const mostLabel = 1_000
const mostDetails = 65_536

const detailsRule: given.Rule = {
  must: `an object that is at most ${mostDetails} bytes of JSON`,
  test: (value) => given.object.test(value) && Buffer.byteLength(JSON.stringify(value)) <= mostDetails,
}

/** What is told while the app runs, as far as it can be: a part that can't be used must not cost the alert. */
export class Usable {
  readonly #secrets: readonly string[]
  /** What was left out or cut, and why. */
  readonly faults: string[] = []

  /** @param secrets which are taken out of all texts */
  constructor(secrets: readonly string[]) {
    this.#secrets = secrets
  }

  /** @throws ERR_ALERTS_OPTION where there is no name, or no severity */
  alert(input: AlertInput): Alert {
    const { name, labels } = this.id(input)
    const severity = given.need('severity', input.severity, given.oneOf(severities))
    const summary = this.#part(input, 'summary', given.text) ?? name
    const details = this.#part(input, 'details', detailsRule)
    for (const key of Object.keys(input)) if (!keys.includes(key)) this.faults.push(`${key} is no part of an alert`)
    const optional = {
      value: this.#part(input, 'value', given.number),
      threshold: this.#part(input, 'threshold', given.number),
      runbookUrl: this.#part(input, 'runbookUrl', given.webAddress),
      dashboardUrl: this.#part(input, 'dashboardUrl', given.webAddress),
    }
    return {
      name,
      severity,
      summary: clip(this.#safe(summary), mostSummary),
      labels,
      ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)),
      ...(details && { details: this.#safe(details) }),
    }
  }

  /** The same for a fire and for its resolve. @throws ERR_ALERTS_OPTION where there is no name */
  id(input: AlertId): Required<AlertId> {
    const { name } = given.need('the alert', input, given.object)
    given.need('name', name, given.text)
    if (name.length > mostName) this.faults.push(`name is longer than ${mostName} characters`)
    const labels = Object.entries(this.#part(input, 'labels', given.object) ?? {})
    if (labels.length > mostLabels) this.faults.push(`labels are more than ${mostLabels}`)
    const some = labels.sort(([a], [b]) => (a < b ? -1 : 1)).slice(0, mostLabels)
    return { name: clip(name, mostName), labels: Object.fromEntries(some.flatMap((label) => this.#label(label))) }
  }

  #label([key, value]: [string, unknown]): [string, string][] {
    if (!['string', 'number', 'boolean', 'bigint'].includes(typeof value) || key.length >= mostLabel) {
      this.faults.push(`labels.${clip(key, 100)} must be a text, not ${typeof value}`)
      return []
    }
    const text = this.#safe(`${value}`)
    if (key.length + text.length > mostLabel) this.faults.push(`labels.${clip(key, 100)} is cut`)
    return [[key, clip(text, mostLabel - key.length)]]
  }

  #part<Key extends keyof AlertInput>(input: AlertInput, key: Key, rule: given.Rule): AlertInput[Key] | undefined
  #part<Key extends keyof AlertId>(input: AlertId, key: Key, rule: given.Rule): AlertId[Key] | undefined
  #part(input: AlertInput, key: keyof AlertInput, rule: given.Rule): unknown {
    try {
      const value = input[key]
      if (value === undefined || rule.test(value)) return value
      const shown = inspect(value, { depth: 1, breakLength: Infinity, maxStringLength: 100 })
      this.faults.push(`${key} must be ${rule.must}, not ${this.#safe(shown)}`)
    } catch (error) {
      this.faults.push(`${key} can’t be read: ${this.#safe(String((error as Error)?.message))}`)
    }
    return undefined
  }

  /** A copy without secrets, so that who fired it may go on using its own. */
  #safe<T>(value: T): T {
    return JSON.parse(JSON.stringify(value), (_key, part) =>
      typeof part === 'string' ? redact(part, this.#secrets) : part,
    ) as T
  }
}
