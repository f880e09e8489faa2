import type { Entry } from './memory.js'

/** The entry, if it may be served past its time. */
export function servable(entry: Entry | undefined, graceMs: number): Entry | undefined {
  return entry && graceMs > 0 && performance.now() < entry.freshUntilMs + graceMs ? entry : undefined
}
