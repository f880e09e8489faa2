import { rankOf } from '../alert.js'
import { type Item, isEnd } from '../notification.js'

/** Incidents that are told in one message, again and again until it is delivered. */
export interface Batch {
  items: Item[]
  attempts: number
  notBeforeMs: number
  reason: string | undefined
}

/** Those that begin apart from those that are over, and by their groups; no more in one than a message holds. The worst come first. */
export function batchesOf(items: Item[], groupOf: (item: Item) => string, most: number, nowMs: number): Batch[] {
  const groups = new Map<string, Item[]>()
  for (const item of items) {
    const group = `${isEnd(item.kind)} ${groupOf(item)}`
    const others = groups.get(group)
    if (others) others.push(item)
    else groups.set(group, [item])
  }
  const batches: Batch[] = []
  for (const group of groups.values()) {
    group.sort((a, b) => rankOf(b.incident.alert.severity) - rankOf(a.incident.alert.severity))
    for (let start = 0; start < group.length; start += most) {
      batches.push({ items: group.slice(start, start + most), attempts: 0, notBeforeMs: nowMs, reason: undefined })
    }
  }
  return batches.sort((a, b) => worstOf(b) - worstOf(a))
}

function worstOf({ items }: Batch): number {
  return rankOf(items[0]!.incident.alert.severity)
}
