import type { Incident } from '../incident.js'
import { type Item, isEnd } from '../notification.js'
import type { Audience } from './audience.js'
import { type Batch, batchesOf } from './batch.js'
import type { Desk } from './desk.js'

/** The messages of a channel that are on their way, or wait for another attempt. */
export class Queue {
  readonly #desk: Desk
  readonly #audience: Audience
  batches: readonly Batch[] = []

  constructor(desk: Desk, audience: Audience) {
    this.#desk = desk
    this.#audience = audience
  }

  get earliestMs(): number {
    return Math.min(...this.batches.map(({ notBeforeMs }) => notBeforeMs))
  }

  /** The least tried come first, so that one that always fails holds up no other. */
  next(nowMs: number): Batch | undefined {
    let next: Batch | undefined
    for (const batch of this.batches) {
      if (batch.notBeforeMs <= nowMs && (!next || batch.attempts < next.attempts)) next = batch
    }
    return next
  }

  remove(batch: Batch): void {
    this.batches = this.batches.filter((other) => other !== batch)
  }

  /** What is refused as a whole is tried in parts: one alert must not cost the others. */
  halve(batch: Batch): void {
    const { items } = batch
    const middle = Math.ceil(items.length / 2)
    const halves = [items.slice(0, middle), items.slice(middle)].map((half) => ({ ...batch, items: half }))
    this.batches = this.batches.flatMap((other) => (other === batch ? halves : [other]))
  }

  /** Puts what is due into batches: once something has waited for the others of its group, with all of them. */
  form(nowMs: number): void {
    const { channel, groupMs, looks } = this.#audience
    const keys = looks.take(nowMs, nowMs + groupMs)
    if (keys.length === 0) return
    const batched = new Set(this.batches.flatMap(({ items }) => items.map(({ incident }) => incident)))
    const items: Item[] = []
    for (const key of keys) {
      const incident = this.#desk.incidentOf(key)
      if (!incident || batched.has(incident)) continue
      const next = this.#audience.due(incident, nowMs)
      if (next.kind) items.push({ incident, kind: next.kind, severity: incident.alert.severity })
      else if (next.atMs !== undefined) looks.add(key, next.atMs + groupMs)
    }
    const groupOf = ({ incident }: Item) => this.#desk.groupOf(incident)
    this.batches = [...this.batches, ...batchesOf(items, groupOf, channel.batch, nowMs)]
  }

  /** What has changed since it was formed or last tried: an incident that is over by now is told in one message. */
  renew(batch: Batch, nowMs: number): void {
    const isAgain = batch.attempts > 0
    const wasEnd = isEnd(batch.items[0]!.kind)
    batch.items = batch.items.flatMap(({ incident }) => {
      if (this.#desk.incidentOf(incident.key) !== incident) return []
      if (isAgain && this.#isTooOld(incident, nowMs)) return []
      const { kind } = this.#audience.due(incident, nowMs, isAgain)
      if (kind && isEnd(kind) === wasEnd) return [{ incident, kind, severity: incident.alert.severity }]
      this.#audience.looks.add(incident.key, nowMs) // to another message, or none
      return []
    })
  }

  #isTooOld(incident: Incident, nowMs: number): boolean {
    if (nowMs - incident.changedAtMs <= this.#desk.maxAgeMs) return false
    this.#audience.note({ incident, kind: 'fire', severity: incident.alert.severity }, 'refused')
    this.#desk.dropped(incident, 'age', this.#audience.channel.name)
    return true
  }
}
