import { once } from 'node:events'
import { rmSync, statSync } from 'node:fs'
import { createConnection, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { DatabaseInUseError } from '../errors.js'

const takeoverMs = 200
const answerTimeoutMs = 1_000

/**
 * Takes a folder for this process, by listening on a socket in it: the kernel lets go of it however the process ends, and
 * a process in another container that shares the folder finds it all the same. Resolves with the way to let go.
 * @throws ERR_SHORTENER_DATABASE_IN_USE
 */
export async function lockFolder(folder: string): Promise<() => void> {
  const socket = join(folder, 'lock')
  // It is closed by its holder alone: closing removes the socket by its name, whosever that is by then.
  const server = createServer((connection) => connection.on('error', () => {}).end(`${process.pid}`)).unref()
  try {
    await listen(server, socket)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    const holder = await holderOf(socket)
    if (holder) throw new DatabaseInUseError(folder, holder)
    rmSync(socket, { force: true }) // of a process that was killed
    await listen(server, socket)
    // Another process may have found the same leftover, and removed ours after it: the last one has the folder.
    const { ino } = statSync(socket)
    await sleep(takeoverMs)
    if (statSync(socket, { throwIfNoEntry: false })?.ino !== ino) {
      throw new DatabaseInUseError(folder, (await holderOf(socket)) ?? 'unknown')
    }
  }
  return () => server.close()
}

async function listen(server: Server, socket: string): Promise<void> {
  server.listen(socket)
  await once(server, 'listening')
}

/** The process that listens there, if any does. One that is busy does not say its id, but is there. */
async function holderOf(socket: string): Promise<string | undefined> {
  const connection = createConnection(socket)
  try {
    await once(connection, 'connect')
    const [id] = await once(connection, 'data', { signal: AbortSignal.timeout(answerTimeoutMs) })
    return `${id}`
  } catch (error) {
    return (error as Error).name === 'AbortError' ? 'unknown' : undefined
  } finally {
    connection.destroy()
  }
}
