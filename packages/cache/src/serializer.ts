import { inspect } from 'node:util'
import { ValueError } from './errors.js'
import { placeOf } from './keys.js'

/** How values become text and back. What comes back is what callers are given, from memory too. */
export interface Serializer {
  stringify(value: unknown): string
  parse(text: string): unknown
}

/**
 * The text of a value. JSON leaves out functions and undefined in objects; a value that is one has no text.
 * @throws ERR_CACHE_VALUE
 */
export function textOf(serializer: Serializer, key: string, value: unknown): string {
  try {
    const text = serializer.stringify(value)
    if (typeof text === 'string') return text
  } catch (error) {
    throw new ValueError(placeOf(key).key, (error as Error)?.message?.split('\n', 1)[0] ?? `${error}`)
  }
  throw new ValueError(placeOf(key).key, `${inspect(value, { depth: 0, breakLength: Infinity })} has no text`)
}
