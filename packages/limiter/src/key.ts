import { createHash } from 'node:crypto'

const longest = 128

/** A key of bounded length: a long one is replaced by its digest, which is longer than any key that is not. */
export function boundedKey(key: string): string {
  return key.length > longest ? `#${createHash('sha512').update(Buffer.from(key, 'utf16le')).digest('hex')}` : key
}

/** What a policy's key function has given. null, or undefined: the policy is not for this request. */
export function checkedKey(key: unknown): string | null {
  if (typeof key === 'string') return boundedKey(key)
  if (key === null || key === undefined) return null
  if (typeof key === 'number' || typeof key === 'bigint') return `${key}`
  throw new TypeError(`a key must be a text or null, not ${key instanceof Promise ? 'a promise' : typeof key}`)
}
