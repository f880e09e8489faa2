import { type Child, forkFixture } from '@steadfast/testing'
import type { Test } from 'tap'
import type { CacheOptions, CacheStats } from '../src/index.js'
import type { Shared } from './open.js'

export interface Instance {
  child: Child
  tell<T>(what: { do: 'read' | 'peek' | 'stampede' | 'hang' | 'load'; key: string; callers?: number }): Promise<T>
  stats(): Promise<CacheStats>
}

/** An instance of the cache in a process of its own; its origin is in Redis, under the prefix and `origin:`. */
export async function fork(t: Test, { url, keyPrefix }: Shared, options: CacheOptions = {}): Promise<Instance> {
  const file = new URL('./fixtures/instance.js', import.meta.url)
  const child = await forkFixture(file, { args: [JSON.stringify({ url, keyPrefix, options })], ipc: true })
  t.teardown(() => child.release())
  await child.printed(/ready/)
  const answers = new Map<number, (answer: { result: unknown; stats: CacheStats }) => void>()
  child.process.on('message', (answer: { id: number; result: unknown; stats: CacheStats }) => {
    answers.get(answer.id)?.(answer)
    answers.delete(answer.id)
  })
  let last = 0
  const ask = (what: object) =>
    new Promise<{ result: unknown; stats: CacheStats }>((resolve) => {
      last++
      answers.set(last, resolve)
      child.process.send({ id: last, ...what })
    })
  return {
    child,
    tell: async <T>(what: object) => (await ask(what)).result as T,
    stats: async () => (await ask({ do: 'peek', key: '-' })).stats,
  }
}
