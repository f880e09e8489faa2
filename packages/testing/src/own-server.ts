import { askKeeper } from './keeper/client.js'
import { killAllIn, processesIn, signalAllIn } from './processes.js'
import type { Node } from './servers/server.js'

/** A server process that belongs to one test, which may do to it what it likes. */
export interface OwnNode {
  /** Where clients connect. It stays the same over a restart. */
  readonly url: string
  readonly port: number
  /** Ids of its live processes. */
  pids(): number[]
  /** Stops its processes in their tracks (SIGSTOP): connections stay open, nothing answers. */
  freeze(): void
  /** Lets them run on (SIGCONT). */
  thaw(): void
  /** Kills it (SIGKILL, frozen or not) and waits until it is gone. */
  kill(): Promise<void>
  /** Kills it, if it still runs, starts it again on the same port and files, and waits until it is ready. */
  restart(): Promise<void>
}

export function ownNode(server: string, index: number, { url, port, folder }: Node): OwnNode {
  // What ends and starts it happens in the order of the calls, awaited or not.
  let last: Promise<unknown> = Promise.resolve()
  const next = (act: () => Promise<void>): Promise<void> => {
    const done = last.then(act)
    last = done.catch(() => {})
    return done
  }
  return {
    url,
    port,
    pids: () => processesIn(folder),
    freeze: () => signalAllIn(folder, 'SIGSTOP'),
    thaw: () => signalAllIn(folder, 'SIGCONT'),
    kill: () => next(() => killAllIn(folder)),
    restart: () =>
      next(async () => {
        await killAllIn(folder)
        await askKeeper({ do: 'restart', server, node: index })
      }),
  }
}
