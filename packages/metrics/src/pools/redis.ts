import type { MetricFamily } from '../lifecycle.js'

/** What is called and read of a client of ioredis, or of its Cluster. */
export interface RedisLike {
  readonly status: string
  ping(): Promise<unknown>
}

/** ioredis keeps one of the queues private. */
const queues = ['commandQueue', 'offlineQueue'] as const

/**
 * Watches a client by one PING at a time, sent at a scrape. While it is not answered its age is told, so a server that is
 * frozen shows, and nothing piles up in a client that never gives up.
 */
export class WatchedRedis {
  readonly #client: RedisLike
  #sentMs: number | undefined
  #lastMs: number | undefined

  constructor(client: RedisLike) {
    this.#client = client
  }

  get isReady(): boolean {
    return this.#client.status === 'ready'
  }

  get status(): string {
    return this.#client.status
  }

  /** Commands that have not been answered, or not been sent. Of a Cluster, those that have not been sent. */
  get waiting(): number {
    return queues.reduce((sum, queue) => {
      const length = (Reflect.get(this.#client, queue) as { length?: number } | undefined)?.length
      return sum + (typeof length === 'number' ? length : 0)
    }, 0)
  }

  /** Milliseconds of the last PING, or of the one that is under way if that is more. */
  get latencyMs(): number | undefined {
    const ageMs = this.#sentMs === undefined ? undefined : performance.now() - this.#sentMs
    return ageMs === undefined || this.#lastMs === undefined ? (ageMs ?? this.#lastMs) : Math.max(ageMs, this.#lastMs)
  }

  ping(): void {
    if (this.#sentMs !== undefined || !this.isReady) return
    const sentMs = performance.now()
    this.#sentMs = sentMs
    const done = () => {
      this.#lastMs = performance.now() - sentMs
      this.#sentMs = undefined
    }
    // One that fails took as long as it took.
    this.#client.ping().then(done, done)
  }
}

/** Status, queue and latency of all clients, by name. */
export function redisFamilies(clients: Map<string, WatchedRedis>, prefix: string): MetricFamily[] {
  if (clients.size === 0) return []
  const gauge = (name: string, help: string, read: (client: WatchedRedis) => number | undefined): MetricFamily => ({
    name: `${prefix}redis_${name}`,
    help,
    type: 'gauge',
    samples: [...clients].flatMap(([pool, client]) => {
      const value = read(client)
      return value === undefined ? [] : [{ labels: { pool }, value }]
    }),
  })
  const ping = (client: WatchedRedis) => client.latencyMs && client.latencyMs / 1_000
  return [
    gauge('up', 'Whether the client is ready.', (client) => Number(client.isReady)),
    {
      name: `${prefix}redis_status`,
      help: 'What the client says of its connection: 1 for the status that it has.',
      type: 'gauge',
      samples: [...clients].map(([pool, { status }]) => ({ labels: { pool, status }, value: 1 })),
    },
    gauge('waiting_commands', 'Commands that have no answer yet, sent or not.', (client) => client.waiting),
    gauge('ping_duration_seconds', 'The last PING, or the one that has no answer yet if that takes longer.', ping),
  ]
}
