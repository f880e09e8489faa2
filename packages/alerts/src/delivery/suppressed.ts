import { rankOf, type Severity } from '../alert.js'
import type { Item } from '../notification.js'

/** What was held back, for there was too much of it. */
export class Suppressed {
  count = 0
  severity: Severity = 'info'
  readonly names: Set<string> = new Set()
  /** When it is to be told. */
  tellAtMs = 0

  add(items: readonly Item[], tellAtMs: number): void {
    if (this.count === 0) this.tellAtMs = tellAtMs
    this.count += items.length
    for (const { incident } of items) {
      if (rankOf(incident.alert.severity) > rankOf(this.severity)) this.severity = incident.alert.severity
      if (this.names.size < 20) this.names.add(incident.alert.name)
    }
  }

  clear(): void {
    this.count = 0
    this.severity = 'info'
    this.names.clear()
  }
}
