import { spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { keeperSocket } from './protocol.js'

/** Where a run tells its test processes the folder of its keeper. */
export const runFolderVariable = 'STEADFAST_TEST_RUN'

const endTimeoutMs = 30_000
const longestSocketPath = 103 // bytes; macOS allows no more, Linux four more

export interface Run {
  folder: string
  /** Stops every server of the run and removes its folder. */
  end(): Promise<void>
}

/**
 * Starts a keeper for the servers of this process, or of this process and the test processes it starts. When this
 * process ends in any way, SIGKILL included, the keeper ends all servers and removes the folder.
 */
export async function startRun(): Promise<Run> {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'steadfast-test-'))
  if (Buffer.byteLength(keeperSocket(folder)) > longestSocketPath) {
    rmSync(folder, { recursive: true })
    throw new Error(`the folder for temporary files has too long a path for a socket in it; set TMPDIR: ${tmpdir()}`)
  }
  chmodSync(folder, 0o711)
  const keeper = spawn(process.execPath, [join(import.meta.dirname, 'main.js'), folder], {
    detached: true, // Ctrl-C is for the tests; the keeper cleans up after them
    stdio: ['pipe', 'pipe', 'inherit'],
    cwd: '/',
  })
  const exited = new Promise<number | null>((resolve) => keeper.once('exit', resolve))
  await new Promise<void>((resolve, reject) => {
    keeper.stdout.once('data', () => resolve())
    keeper.once('error', reject)
    keeper.once('exit', () => reject(new Error('the keeper of the test servers did not start')))
  }).catch((error) => {
    rmSync(folder, { recursive: true, force: true })
    throw error
  })
  keeper.unref()
  for (const stream of [keeper.stdin, keeper.stdout]) (stream as unknown as { unref(): void }).unref()
  return {
    folder,
    async end() {
      keeper.ref()
      keeper.stdin.end()
      const timer = setTimeout(() => keeper.kill('SIGKILL'), endTimeoutMs)
      const code = await exited
      clearTimeout(timer)
      if (code !== 0) throw new Error(`the keeper of the test servers failed to end them; look into ${folder}`)
    },
  }
}
