import { createHash } from 'node:crypto'
import { told } from './given.js'

const longest = 128

/** A key of bounded length: a long one is replaced by its digest, which is longer than any key that is not. */
export function boundedKey(key: string): string {
  return key.length > longest ? digestOf(key) : key
}

function digestOf(key: string): string {
  return `#${createHash('sha512').update(Buffer.from(key, 'utf16le')).digest('hex')}`
}

/** What a policy's key function has given. null: the policy is not for this request. */
export function checkedKey(key: unknown): string | null {
  return typeof key === 'string' ? boundedKey(key) : checkedOther(key)
}

function checkedOther(key: unknown): string | null {
  if (key === null) return null
  if (Number.isSafeInteger(key) || typeof key === 'bigint') return `${key}`
  throw new TypeError(`a key must be a text, a whole number or null, not ${told(key)}`)
}
