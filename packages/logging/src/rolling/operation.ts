import fs from 'node:fs'

/**
 * Looks, without harm, whether an operation that was started has been carried out, and what came of it. `hasEnded` if it has, be it
 * in part.
 */
export type Look = (hasEnded?: boolean) => Outcome | undefined

export interface Outcome {
  error?: Error
  result?: unknown
}

/** One call to the file system, which can be made with or without waiting for it. */
export interface Operation {
  call: 'close' | 'fstat' | 'ftruncate' | 'open' | 'rename' | 'stat' | 'write'
  args: unknown[]
  /** Undefined where nothing hangs, as with a pipe that is not waited for. */
  look: Look | undefined
}

/** Steps of work on a file; who runs them carries out the operations. */
export type Steps = Generator<Operation, void, unknown>

type Callback = (error: NodeJS.ErrnoException | null, result?: unknown) => void

export function start({ call, args }: Operation, done: Callback): void {
  const asked = fs[call] as (...args: unknown[]) => void
  asked(...args, done)
}

const pauseMs = 1
const never = new Int32Array(new SharedArrayBuffer(4))

/** Lets other threads and processes work for a moment, while this one waits. */
export function pause(): void {
  Atomics.wait(never, 0, 0, pauseMs)
}

/**
 * Waits, without giving up the thread, until an operation that was started has been carried out by another thread.
 * @returns undefined if it has not within the time, as on a disk that hangs
 */
export function settle({ look }: Operation, withinMs: number): Outcome | undefined {
  const endMs = performance.now() + withinMs
  for (;;) {
    const known = look?.()
    if (known || performance.now() >= endMs) return known
    pause()
  }
}

/** Runs steps to their end, and waits for every operation. */
export function runThrough(steps: Steps): void {
  let next = steps.next()
  while (!next.done) {
    const { error, result } = attempt(next.value)
    next = error ? steps.throw(error) : steps.next(result)
  }
}

/** Carries an operation out, and waits for it. */
export function attempt({ call, args }: Pick<Operation, 'call' | 'args'>): Outcome {
  try {
    const asked = fs[`${call}Sync`] as (...args: unknown[]) => unknown
    return { result: asked(...args) }
  } catch (error) {
    return { error: error as Error }
  }
}

/**
 * Whether all other threads of this process sleep (proc(5)): none waits for the disk half way through a write, so what was started
 * has ended, if only in part.
 */
export function haveOthersEnded(): boolean {
  const own = `${process.pid}`
  const isAsleep = (thread: string) => {
    const stat = fs.readFileSync(`/proc/self/task/${thread}/stat`, 'latin1')
    return stat.startsWith('S', stat.lastIndexOf(')') + 2)
  }
  try {
    return fs.readdirSync('/proc/self/task').every((thread) => thread === own || isAsleep(thread))
  } catch {
    return false
  }
}

/** A pipe whose reader is slow. */
export function isBusy(error: Error | undefined): boolean {
  return (error as NodeJS.ErrnoException | undefined)?.code === 'EAGAIN'
}
