import { chmod, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { killAllIn } from '../processes.js'
import { mountSmallDisk } from '../servers/disk.js'
import { startPostgresProcess } from '../servers/postgres.js'
import { startRedisProcess } from '../servers/redis.js'
import { startRedisClusterProcesses } from '../servers/redis-cluster.js'
import type { Started } from '../servers/server.js'
import type { Kinds } from './protocol.js'

const recipes: { [K in keyof Kinds]: (folder: string, options: Kinds[K]) => Promise<Started<object>> } = {
  redis: startRedisProcess,
  'redis-cluster': startRedisClusterProcesses,
  postgres: startPostgresProcess,
  disk: mountSmallDisk,
}

interface Kept extends Started<object> {
  folder: string
}

/** The servers of one run, each in a folder of its own below `root`. */
export class Servers {
  readonly #root: string
  readonly #kept = new Map<string, Kept>()
  readonly #shared = new Map<string, Promise<string>>()
  #count = 0

  constructor(root: string) {
    this.#root = root
  }

  /** Starts a server, or finds the shared one with the same options; resolves with its name. */
  start<K extends keyof Kinds>(kind: K, options: Kinds[K], shared: boolean): Promise<string> {
    if (!shared) return this.#start(kind, options)
    const key = JSON.stringify([kind, options])
    const running = this.#shared.get(key) ?? this.#start(kind, options)
    this.#shared.set(key, running)
    return running
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
        await killAllIn(folder)
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
    await killAllIn(server.folder)
    await rm(server.folder, { recursive: true, force: true })
  }

  /** Ends all there is, also what is still being started. */
  async stopAll(): Promise<void> {
    await Promise.allSettled([...this.#kept.keys()].map((name) => this.stop(name)))
    await killAllIn(this.#root)
    await rm(this.#root, { recursive: true, force: true })
  }

  #get(name: string): Kept {
    const server = this.#kept.get(name)
    if (!server) throw new Error(`there is no server ${name} (any more)`)
    return server
  }
}
