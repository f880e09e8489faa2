import type { Socket } from 'node:net'
import { createInterface } from 'node:readline'
import type { PostgresOptions, RedisClusterOptions, RedisOptions, SmallDiskOptions } from '../servers/server.js'
import type { ToolName } from '../servers/tools.js'

/** What the keeper can start, and the options of each. */
export interface Kinds {
  redis: RedisOptions
  'redis-cluster': RedisClusterOptions
  postgres: PostgresOptions
  disk: SmallDiskOptions
}

/** A call of a test process to the keeper of its servers; each is answered by a `Reply` of the same `id`. */
export type Call =
  /** Starts one. Shared: the same one for every caller of the run with the same options. */
  | { [K in keyof Kinds]: { do: 'start'; kind: K; options: Kinds[K]; shared: boolean } }[keyof Kinds]
  | { do: 'restart'; server: string; node: number }
  | { do: 'stop'; server: string }
  /** Kill this process, too, when the caller is gone. */
  | { do: 'adopt'; pid: number }
  | { do: 'disown'; pid: number }
  | { do: 'find'; tool: ToolName }

export interface Reply {
  id: number
  value?: unknown
  error?: string
}

/** The address of the keeper whose run has this folder. */
export function keeperSocket(runFolder: string): string {
  return `${runFolder}/keeper.sock`
}

/** One JSON value a line. */
export function send(socket: Socket, message: object): void {
  if (!socket.destroyed) socket.write(`${JSON.stringify(message)}\n`)
}

export function onMessage<T>(socket: Socket, listener: (message: T) => void): void {
  // The interface passes on the errors of its input, and an error that nobody hears ends the process.
  createInterface({ input: socket })
    .on('error', () => {})
    .on('line', (line) => listener(JSON.parse(line) as T))
}
