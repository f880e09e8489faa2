import { randomBytes } from 'node:crypto'
import type { Alert } from './alert.js'
import { type Matcher, matches, packMatcher, unpackMatcher } from './matcher.js'

export interface Silence {
  id: string
  matcher: Matcher
  untilMs: number
}

/** What nobody wants to hear of for a while. */
export class Silences {
  readonly #silences = new Map<string, Silence>()

  add(matcher: Matcher, untilMs: number): Silence {
    const silence = { id: `s:${randomBytes(8).toString('hex')}`, matcher, untilMs }
    this.#silences.set(silence.id, silence)
    return silence
  }

  /** From a spool. @throws where it is none */
  restore(id: string, { matcher, untilMs }: { matcher: unknown; untilMs: number }): void {
    this.#silences.set(id, { id, matcher: unpackMatcher(matcher), untilMs })
  }

  /** Takes out what is over. @returns its ids */
  prune(nowMs: number): string[] {
    const over = [...this.#silences.values()].filter(({ untilMs }) => untilMs <= nowMs).map(({ id }) => id)
    for (const id of over) this.#silences.delete(id)
    return over
  }

  has(alert: Alert, nowMs: number): boolean {
    for (const { matcher, untilMs } of this.#silences.values()) {
      if (untilMs > nowMs && matches(matcher, alert)) return true
    }
    return false
  }

  get all(): Silence[] {
    return [...this.#silences.values()]
  }
}

export function packSilence({ matcher, untilMs }: Silence): unknown {
  return { matcher: packMatcher(matcher), untilMs }
}
