import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { waitFor } from '../wait-for.js'

export interface Launch {
  command: string
  args: string[]
  /** Where the program works; its output goes to `output.log` in it. */
  folder: string
  /** User to run as. Default: the one who asks. */
  user?: { uid: number; gid: number } | undefined
  /** Whether the server takes requests now. */
  ready: () => boolean | Promise<boolean>
}

/**
 * Starts a server and waits until it is ready.
 * @throws Error with the end of the server's output when it stops instead, or is not ready within 20 s.
 */
export async function launch({ command, args, folder, user, ready }: Launch): Promise<void> {
  const log = join(folder, 'output.log')
  const output = openSync(log, 'a')
  const child = spawn(command, args, { cwd: folder, stdio: ['ignore', output, output], ...user })
  closeSync(output)
  let ended: string | undefined
  child.once('error', (error) => {
    ended = error.message
  })
  child.once('exit', (code, signal) => {
    ended = `it ended with ${signal ?? `code ${code}`}`
  })
  try {
    await waitFor(async () => ended !== undefined || (await ready()), {
      timeoutMs: 60_000,
      what: `${command} being ready`,
    })
    if (ended !== undefined) throw new Error(ended)
  } catch (error) {
    child.kill('SIGKILL')
    const tail = readFileSync(log, 'utf8').trimEnd().split('\n').slice(-10).join('\n')
    throw new Error(`${command} did not start: ${(error as Error).message}\n${tail}`)
  }
}
