import { randomUUID } from 'node:crypto'

/** A key prefix that no other test uses, for a Redis that is shared: never empty such a Redis, delete what is below the prefix. */
export function uniquePrefix(name = 'test'): string {
  return `steadfast-${name}:${randomUUID()}:`
}
