import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { chmod, mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { killAllIn } from '../processes.js'
import { mountSmallDisk } from '../servers/disk.js'
import { startPostgresProcess } from '../servers/postgres.js'
import { startRedisProcess } from '../servers/redis.js'
import { startRedisClusterProcesses } from '../servers/redis-cluster.js'
import type { Started } from '../servers/server.js'
import { freeSharedMemory } from '../servers/shared-memory.js'
import type { Kinds } from './protocol.js'

const recipes: { [K in keyof Kinds]: (folder: string, options: Kinds[K]) => Promise<Started<object>> } = {
  redis: startRedisProcess,
  'redis-cluster': startRedisClusterProcesses,
  postgres: startPostgresProcess,
  disk: mountSmallDisk,
}

const startsEndMs = 2_000

interface Kept extends Started<object> {
  folder: string
}

/** The servers of one run, each in a folder of its own below `root`. */
export class Servers {
  readonly #root: string
  readonly #kept = new Map<string, Kept>()
  readonly #shared = new Map<string, Promise<string>>()
  readonly #starting = new Set<Promise<string>>()
  #isOver = false
  #count = 0

  constructor(root: string) {
    this.#root = root
  }

  /** Starts a server, or finds the shared one with the same options; resolves with its name. */
  start<K extends keyof Kinds>(kind: K, options: Kinds[K], shared: boolean): Promise<string> {
    if (this.#isOver) return Promise.reject(new Error('the run is over'))
    if (!shared) return this.#track(this.#start(kind, options))
    const key = JSON.stringify([kind, options])
    const running = this.#shared.get(key) ?? this.#track(this.#start(kind, options))
    this.#shared.set(key, running)
    return running
  }

  #track(start: Promise<string>): Promise<string> {
    this.#starting.add(start)
    start.catch(() => {}).finally(() => this.#starting.delete(start))
    return start
  }

  async #start<K extends keyof Kinds>(kind: K, options: Kinds[K]): Promise<string> {
    for (let attempt = 1; ; attempt++) {
      const name = `${kind}-${++this.#count}`
      const folder = join(this.#root, name)
      await mkdir(folder)
      await chmod(folder, 0o711) // PostgreSQL may run as another user
      try {
        this.#kept.set(name, { ...(await recipes[kind](folder, options)), folder })
        return name
      } catch (error) {
        await clear(folder)
        // Between our look and the server's own bind, somebody else may take a free port.
        if (attempt === 3 || !/address already in use/i.test(`${error}`)) throw error
      }
    }
  }

  info(name: string): object {
    return this.#get(name).info
  }

  async restart(name: string, node: number): Promise<void> {
    await this.#get(name).restart?.(node)
  }

  /** Ends it and removes its folder. Ending twice is no fault. */
  async stop(name: string): Promise<void> {
    const server = this.#kept.get(name)
    if (!server) return
    this.#kept.delete(name)
    await server.stop()
    await clear(server.folder)
  }

  /** Ends all there is, also what is still being started, and removes the root. */
  async stopAll(): Promise<void> {
    this.#isOver = true
    await Promise.allSettled([...this.#kept.keys()].map((name) => this.stop(name)))
    await killAllIn(this.#root) // what is being started fails then
    await Promise.race([Promise.allSettled(this.#starting), sleep(startsEndMs)])
    const entries = await readdir(this.#root, { withFileTypes: true })
    for (const entry of entries) if (entry.isDirectory()) await clear(join(this.#root, entry.name))
    await clear(this.#root)
  }

  #get(name: string): Kept {
    const server = this.#kept.get(name)
    if (!server) throw new Error(`there is no server ${name} (any more)`)
    return server
  }
}

/** Removes the folder of a server, with its processes, its mounts and its shared memory. */
async function clear(folder: string): Promise<void> {
  await killAllIn(folder)
  freeSharedMemory(join(folder, 'data'))
  for (const mount of readFileSync('/proc/mounts', 'utf8').split('\n')) {
    const path = mount.split(' ')[1]
    if (path?.startsWith(`${folder}/`)) execFileSync('umount', ['-l', path])
  }
  await rm(folder, { recursive: true, force: true })
}
