interface Wait {
  heard: Map<string, number>
  check: () => void
}

/** Which instances have heard of this one's invalidations. */
export class Acknowledgements {
  readonly #waits = new Set<Wait>()

  /** Before an invalidation is told, for answers may come before its number. */
  begin(): {
    /** Resolves once each has heard of it, or can't answer from memory any more. */
    of(number: number, instances: Map<string, number>): Promise<void>
    end(): void
  } {
    const wait: Wait = { heard: new Map(), check: () => {} }
    this.#waits.add(wait)
    const end = () => void this.#waits.delete(wait)
    return {
      end,
      of: (number, instances) =>
        new Promise((resolve) => {
          const left = new Map(instances)
          const timers: NodeJS.Timeout[] = []
          const done = (id: string) => {
            left.delete(id)
            if (left.size > 0) return
            for (const timer of timers) clearTimeout(timer)
            end()
            resolve()
          }
          wait.check = () => {
            for (const id of [...left.keys()]) if ((wait.heard.get(id) ?? 0) >= number) done(id)
          }
          if (left.size === 0) return done('')
          // Referenced: who waits for it must not see the process end instead.
          for (const [id, leaseMs] of instances) timers.push(setTimeout(done, leaseMs, id))
          wait.check()
        }),
    }
  }

  heard(instance: string, number: number): void {
    for (const wait of this.#waits) {
      wait.heard.set(instance, Math.max(number, wait.heard.get(instance) ?? 0))
      wait.check()
    }
  }
}
