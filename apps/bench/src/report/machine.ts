import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus, release, totalmem, type } from 'node:os'
import { join, resolve } from 'node:path'
import { findTestTool } from '@steadfast/testing'
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
  if (servers.includes('redis')) versions.redis = await versionOf('redis-server')
  if (servers.includes('postgresql')) versions.postgresql = await versionOf('postgres')
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

/** As both say it: `Redis server v=7.0.15 …`, `postgres (PostgreSQL) 15.18 …`. */
async function versionOf(program: 'redis-server' | 'postgres'): Promise<string> {
  const text = execFileSync(await findTestTool(program), ['--version'], { encoding: 'utf8' })
  return /\d+\.\S+/.exec(text)?.[0] ?? text
}

function readPackage(folder: string): { version: string; dependencies?: Record<string, string> } {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
}
