import { type Child, forkFixture, uniquePrefix, waitFor } from '@steadfast/testing'
import { Redis } from 'ioredis'
import type { Test } from 'tap'
import type { LeaserOptions } from '../fixtures/leaser.js'

export interface Admitted {
  /** Between these it was admitted. */
  askedMs: number
  doneMs: number
  cost: number
  limit: number
}

const fixture = new URL('../fixtures/leaser.js', import.meta.url)

/** Processes that ask one key, as many times each as `counts` says. */
export async function leasers(
  t: Test,
  counts: number[],
  options: Pick<LeaserOptions, 'url' | 'policy' | 'limits' | 'overMs'> & Partial<LeaserOptions>,
): Promise<{ children: Child[]; start(): void; end(): Promise<void>; admitted(): Admitted[]; waits(): number }> {
  const keyPrefix = uniquePrefix()
  const children = await Promise.all(
    counts.map((count) => {
      const given: LeaserOptions = { keyPrefix, instances: counts.length, costs: [1], ...options, count }
      return forkFixture(fixture, { args: [JSON.stringify(given)] })
    }),
  )
  for (const child of children) {
    t.teardown(() => child.release())
    await waitFor(() => child.reports()[0] === 'ready', { what: child.output() })
  }
  return {
    children,
    start: () => {
      for (const child of children) child.signal('SIGUSR2')
    },
    end: async () => {
      for (const child of children) await child.exit
    },
    admitted: () => children.flatMap((child) => child.reports<Admitted>().filter(({ askedMs }) => askedMs)),
    waits: () =>
      children
        .flatMap((child) => child.reports<{ stats?: { redis: { leases: { waits: number } } } }>())
        .reduce((sum, { stats }) => sum + (stats?.redis.leases.waits ?? 0), 0),
  }
}

export const costOf = (admitted: Admitted[]): number => admitted.reduce((sum, { cost }) => sum + cost, 0)

/** How often Redis was asked to decide, by its own count. */
export async function scriptCalls(url: string): Promise<number> {
  const redis = new Redis(url)
  const info = await redis.info('commandstats')
  redis.disconnect()
  return [...info.matchAll(/^cmdstat_(?:eval|evalsha):calls=(\d+)/gm)].reduce(
    (sum, [, calls]) => sum + Number(calls),
    0,
  )
}
