import { once } from 'node:events'
import { rmSync, statSync } from 'node:fs'
import { createConnection, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { DatabaseInUseError } from '../errors.js'

const takeoverMs = 1_000 // a process that found the same leftover may not get a core for long
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
    const found = identityOf(socket)
    const holder = await holderOf(socket)
    if (holder) throw new DatabaseInUseError(folder, holder)
    // Another process may have found the same leftover of a killed one, and have the folder by now.
    if (identityOf(socket) !== found) throw await inUse(folder, socket)
    rmSync(socket, { force: true })
    try {
      await listen(server, socket)
    } catch {
      throw await inUse(folder, socket)
    }
    // Or remove ours as the leftover, at this very moment: the last one has the folder.
    const own = identityOf(socket)
    await sleep(takeoverMs)
    if (identityOf(socket) !== own) throw await inUse(folder, socket)
  }
  return () => server.close()
}

/** Tells one socket of that name from the next, which may be given the same inode. */
function identityOf(socket: string): string | undefined {
  const found = statSync(socket, { bigint: true, throwIfNoEntry: false })
  return found && `${found.ino} ${found.ctimeNs}`
}

async function inUse(folder: string, socket: string): Promise<Error> {
  return new DatabaseInUseError(folder, (await holderOf(socket)) ?? 'unknown')
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
