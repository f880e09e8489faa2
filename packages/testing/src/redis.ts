import { askKeeper } from './keeper/client.js'
import { type OwnNode, ownNode } from './own-server.js'
import type { Node, RedisClusterOptions, RedisOptions } from './servers/server.js'

export interface Redis {
  /** `redis://…`; shared with other tests, so every key needs a prefix of its own: see `uniquePrefix`. */
  readonly url: string
}

export interface OwnRedis extends OwnNode {
  /** Ends it for good. It also ends with the test process. */
  release(): Promise<void>
}

export interface RedisCluster {
  /** The masters first, then the replicas. */
  readonly nodes: { url: string; port: number }[]
}

export interface OwnRedisCluster extends RedisCluster {
  readonly nodes: OwnNode[]
  release(): Promise<void>
}

interface Info {
  server: string
  info: { nodes: Node[] }
}

/**
 * A real Redis: the one at `TEST_REDIS_URL`, or one that all tests of a run share.
 * With `own: true`, one for the caller alone, which it may freeze and kill.
 */
export function startRedis(options?: { own?: false }): Promise<Redis>
export function startRedis(options: { own: true } & RedisOptions): Promise<OwnRedis>
export async function startRedis({ own = false, ...options }: { own?: boolean } & RedisOptions = {}): Promise<Redis> {
  if (!own && process.env.TEST_REDIS_URL) return { url: process.env.TEST_REDIS_URL }
  const { server, info } = await askKeeper<Info>({ do: 'start', kind: 'redis', options, shared: !own })
  const node = info.nodes[0]!
  if (!own) return { url: node.url }
  const ownRedis: OwnRedis = { ...ownNode(server, 0, node), release: () => askKeeper({ do: 'stop', server }) }
  return ownRedis
}

/**
 * A real Redis Cluster, all slots served: shared by the tests of a run that ask for the same size.
 * With `own: true`, one for the caller alone, whose nodes it may freeze and kill.
 */
export function startRedisCluster(options?: { own?: false } & RedisClusterOptions): Promise<RedisCluster>
export function startRedisCluster(options: { own: true } & RedisClusterOptions): Promise<OwnRedisCluster>
export async function startRedisCluster({
  own = false,
  ...options
}: { own?: boolean } & RedisClusterOptions = {}): Promise<RedisCluster> {
  const { server, info } = await askKeeper<Info>({ do: 'start', kind: 'redis-cluster', options, shared: !own })
  if (!own) return { nodes: info.nodes.map(({ url, port }) => ({ url, port })) }
  const ownCluster: OwnRedisCluster = {
    nodes: info.nodes.map((node, index) => ownNode(server, index, node)),
    release: () => askKeeper({ do: 'stop', server }),
  }
  return ownCluster
}
