import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { runFolder, startChild, startRedis, uniquePrefix } from '@steadfast/testing'
import type { Contender, Figures } from '../compare.js'
import { onCore } from '../cores.js'
import type { Task } from './task.js'

const worker = join(import.meta.dirname, 'worker.js')

export interface Subject {
  /** Its module in the bench's folder. */
  module: string
  /** In the table. Default: the module’s name. */
  name?: string
  about: string
  options?: Record<string, unknown>
}

/** Subjects that are measured in a process of their own each round: none runs on code that the others have warmed or spoilt. */
export function contenders(bench: string, comparison: string, subjects: Subject[], redis = false): Contender[] {
  return subjects.map(({ module, name = module, about, options = {} }) => ({
    name,
    about,
    servers: redis ? ['redis'] : [],
    async measure({ seconds, core }) {
      const folder = await mkdtemp(join(await runFolder(), `${bench}-`))
      // Its own, since what it is asked and what it uses are counted.
      const server = redis ? await startRedis({ own: true }) : undefined
      const task: Task = {
        bench,
        subject: module,
        comparison,
        options,
        seconds,
        prefix: uniquePrefix(),
        redisUrl: server?.url,
        folder,
      }
      const [command, ...args] = onCore(core, [process.execPath, worker, JSON.stringify(task)])
      const child = await startChild(command, args, { env: { NODE_ENV: 'production' } })
      try {
        const { code, signal } = await child.exit
        const [figures] = child.reports<Figures>()
        if (figures === undefined) {
          throw new Error(`its process ended with ${signal ?? code}, and wrote:\n${child.output()}`)
        }
        return figures
      } finally {
        await child.release()
        await server?.release()
        await rm(folder, { recursive: true })
      }
    },
  }))
}
