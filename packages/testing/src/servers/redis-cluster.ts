import { execFile } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePortWithBus } from '../ports.js'
import { waitFor } from '../wait-for.js'
import { launchRedis } from './redis.js'
import type { Node, RedisClusterOptions, Started } from './server.js'
import { findTool } from './tools.js'

const run = promisify(execFile)
const nodeArgs = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '1000', '--repl-diskless-sync-delay', '0']

/** A Redis Cluster whose slots are all served. Its masters come first among the nodes. */
export async function startRedisClusterProcesses(
  folder: string,
  { masters = 3, replicas = 0 }: RedisClusterOptions,
): Promise<Started> {
  const nodes: Node[] = []
  for (let i = 0; i < masters * (1 + replicas); i++) {
    const port = await freePortWithBus()
    nodes.push({ url: `redis://127.0.0.1:${port}`, port, folder: join(folder, `${i}`) })
    await mkdir(join(folder, `${i}`))
  }
  const start = (i: number) => launchRedis(nodes[i]!.folder, nodes[i]!.port, nodeArgs)
  await Promise.all(nodes.map((_, i) => start(i)))
  const cli = async (...args: string[]) => (await run(findTool('redis-cli'), args)).stdout
  const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`)
  await cli('--cluster', 'create', ...addresses, '--cluster-replicas', `${replicas}`, '--cluster-yes')
  await Promise.all(
    nodes.map(({ port }) =>
      waitFor(
        async () =>
          (await cli('-p', `${port}`, 'cluster', 'info')).includes('cluster_state:ok') &&
          ((await cli('-p', `${port}`, 'cluster', 'nodes')).match(/ (myself,)?slave .* connected/g) ?? []).length ===
            masters * replicas,
        { timeoutMs: 60_000, everyMs: 50, what: `cluster node ${port} seeing all slots and replicas` },
      ),
    ),
  )
  return { info: { nodes }, restart: start, stop: async () => {} }
}
