import { mkdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { type DestinationStream, pino } from 'pino'
import { FileError, RollerError } from './errors.js'
import type { ResolvedFile, ResolvedLoggingOptions } from './options.js'
import type { PinoRollOptions } from './pino-roll.js'
import { type PrettyOptions, pretty } from './pretty.js'
import { realClock } from './rolling/clock.js'
import { RollingFile, type RollingStats } from './rolling/rolling-file.js'
import { say } from './rolling/say.js'

/** Where lines go. */
export interface Destination {
  /** `isAscii` where that is certain. */
  write(line: string, isAscii?: boolean): void
  /** Calls back once all lines are written, or can't be. */
  flush(done?: (error?: Error) => void): void
  flushSync(): void
  close(): Promise<void>
  stats(): RollingStats | undefined
}

/** What a file tells the logger that writes to it. */
export interface FileEvents {
  onResume(dropped: number): void
  onTrouble(error: Error): void
}

/**
 * @throws ERR_LOGGING_FILE
 * @throws ERR_LOGGING_ROLLER
 */
export function openDestination(options: ResolvedLoggingOptions, events: FileEvents): Destination {
  const { file, pinoRoll, console } = options
  const { messageKey = 'msg', errorKey = 'err' } = options.pino
  const isColored = process.stdout.isTTY === true && process.env.NO_COLOR === undefined
  const out = console ? consoleStream(console, { isColored, messageKey, errorKey }) : undefined
  const files = file ? openFile(file, events) : pinoRoll ? openPinoRoll(pinoRoll) : undefined
  if (!files) return { ...nothing, write: (line) => out?.write(line) }
  if (!out) return files
  return {
    write(line, isAscii) {
      files.write(line, isAscii)
      out.write(line)
    },
    flush: (done) => files.flush(done),
    flushSync: () => files.flushSync(),
    close: () => files.close(),
    stats: () => files.stats(),
  }
}

const nothing: Destination = {
  write: () => {},
  flush: (done) => done?.(),
  flushSync: () => {},
  close: async () => {},
  stats: () => undefined,
}

function consoleStream(console: 'json' | 'pretty', options: PrettyOptions): DestinationStream {
  if (console === 'json') return pino.destination({ fd: process.stdout.fd ?? 1, sync: true })
  return { write: (line) => void say(pretty(line, options), { fd: 1 }) }
}

function openFile(file: ResolvedFile, events: FileEvents): RollingFile {
  try {
    mkdirSync(dirname(file.path), { recursive: true })
    return new RollingFile({ ...file, ...events, clock: realClock })
  } catch (error) {
    throw new FileError(file.path, (error as Error).message)
  }
}

/** How long the thread of pino-roll may take to end. */
const closeMs = 10_000

/** In a thread, as its readme has it. */
function openPinoRoll(options: PinoRollOptions): Destination {
  let target: string
  try {
    target = createRequire(import.meta.url).resolve('pino-roll')
  } catch (error) {
    throw new RollerError((error as Error).message)
  }
  const file = typeof options.file === 'function' ? options.file() : options.file
  const stream = pino.transport({ target, options: { ...options, file } })
  let isReady = false
  stream.once('ready', () => {
    isReady = true
  })
  // Without a listener its errors would end the process.
  stream.on('error', (error: Error) => process.stderr.write(`logging: pino-roll: ${error.message}\n`))
  return {
    write: (line) => void stream.write(line),
    flush: (done = () => {}) => stream.flush(done),
    flushSync: () => stream.flushSync(),
    close: () =>
      new Promise((resolve) => {
        // Its thread keeps no process alive, not even until it has begun.
        const alive = setTimeout(resolve, closeMs)
        stream.once('close', () => {
          clearTimeout(alive)
          resolve()
        })
        if (isReady) stream.end()
        else stream.once('ready', () => stream.end())
      }),
    stats: () => undefined,
  }
}
