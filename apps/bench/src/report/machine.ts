import { readFileSync } from 'node:fs'
import { cpus, release, totalmem, type } from 'node:os'
import { join, resolve } from 'node:path'
import { startPostgres, startRedis } from '@steadfast/testing'
import { Redis } from 'ioredis'
import pg from 'pg'
import type { ServerName } from '../compare.js'
import type { Cores } from '../cores.js'

const bench = resolve(import.meta.dirname, '../../..')

/** What the figures were measured on. */
export interface Machine {
  cpu: string
  cores: number
  /** Whether the server under test has a core of its own. */
  pinned: boolean
  memoryGiB: number
  kernel: string
  node: string
  /** Of everything that is measured, or measured with. */
  versions: Record<string, string>
}

export async function describeMachine(
  cores: Cores | undefined,
  servers: ServerName[],
  tools: Record<string, string>,
): Promise<Machine> {
  const versions = { ...tools }
  if (servers.includes('redis')) versions.redis = await redisVersion()
  if (servers.includes('postgresql')) versions.postgresql = await postgresVersion()
  const { dependencies } = readPackage(bench) as { dependencies: Record<string, string> }
  for (const name of Object.keys(dependencies)) {
    if (!dependencies[name]!.startsWith('workspace:')) {
      versions[name] = readPackage(join(bench, 'node_modules', name)).version
    }
  }
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    pinned: cores !== undefined,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: `${type()} ${release()}`,
    node: process.version,
    versions,
  }
}

/** For people: two lines. */
export function machineText({ cpu, cores, pinned, memoryGiB, kernel, node, versions }: Machine): string {
  const where = pinned ? 'the server on a core of its own' : 'server and load on the same cores'
  const what = Object.entries(versions).map(([name, version]) => `${name} ${version}`)
  return `${cores} × ${cpu}, ${memoryGiB} GiB, ${kernel}, Node ${node}, ${where}\n${what.join(', ')}`
}

async function redisVersion(): Promise<string> {
  const redis = new Redis((await startRedis()).url)
  const info = await redis.info('server')
  redis.disconnect()
  return /^redis_version:(\S+)/m.exec(info)?.[1] ?? 'unknown'
}

async function postgresVersion(): Promise<string> {
  const postgres = await startPostgres()
  const client = new pg.Client({ connectionString: postgres.url })
  await client.connect()
  const { rows } = await client.query<{ server_version: string }>('SHOW server_version')
  await client.end()
  await postgres.release()
  return rows[0]!.server_version
}

function readPackage(folder: string): { version: string; dependencies?: Record<string, string> } {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
}
