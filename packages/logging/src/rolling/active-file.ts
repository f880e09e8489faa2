import fs, { existsSync, type Stats } from 'node:fs'
import { basename, join } from 'node:path'
import { type Chunks, firstLine, fitting } from './chunks.js'
import { Claim } from './claim.js'
import type { Names } from './names.js'
import { attempt, type Look, type Operation, type Steps } from './operation.js'
import type { RollingOptions } from './options.js'
import { endOf, startOf } from './period.js'

const { O_APPEND, O_CREAT, O_NONBLOCK, O_WRONLY } = fs.constants
const flags = O_WRONLY | O_APPEND | O_CREAT

/** How often it is looked whether the path still leads to the file: somebody else may have moved or removed it. */
const lookMs = 1_000

/** The file that one process writes to, alone. */
export class ActiveFile {
  slot: number = 1
  /** When its period is over; Infinity where files are not rolled by time. */
  endMs: number = Infinity
  /** A file, and no pipe or device, which neither rolls nor is anybody's own. */
  readonly isRegular: boolean
  /** Called with the new name of the file that was written to. */
  onRoll: (path: string) => void = () => {}
  readonly #options: RollingOptions
  readonly #names: Names
  readonly #numbers = new Map<string, number>()
  #claim: Claim | undefined
  #fd = -1
  #size = 0
  #inode = 0
  #label = ''
  #lookedMs = 0

  constructor(options: RollingOptions, names: Names) {
    this.#options = options
    this.#names = names
    const there = fs.statSync(options.path, { throwIfNoEntry: false })
    this.isRegular = there === undefined || there.isFile()
  }

  get path(): string {
    return this.isRegular ? this.#names.active(this.slot) : this.#options.path
  }

  get size(): number {
    return this.#size
  }

  /** Writes what is full, and the rest while that is wanted, into files that it rolls as they fill up or their time is over. */
  *drain(chunks: Chunks, isRestWanted: () => boolean): Steps {
    const { clock } = this.#options
    if (this.#fd >= 0 && clock.nowMs() - this.#lookedMs >= lookMs) yield* this.#look()
    if (this.#fd < 0) yield* this.open()
    if (clock.nowMs() >= this.endMs) yield* this.#turn()
    for (let chunk = chunks.first(); chunk && (chunks.isChunkFull || isRestWanted()); chunk = chunks.first()) {
      let length = fitting(chunk, this.isRegular ? this.#options.sizeBytes - this.#size : Infinity)
      if (length === 0 && this.#size > 0) {
        yield* this.#roll()
        continue
      }
      length ||= firstLine(chunk)
      const [fd, size] = [this.#fd, this.#size + length]
      const look: Look = (hasEnded) => {
        const done = length - Math.max(0, size - fs.fstatSync(fd).size)
        return done === length || (hasEnded && done > 0) ? { result: done } : undefined
      }
      const writing = { call: 'write', args: [fd, chunk.buffer, chunk.start, length, null] as unknown[] } as const
      const written = (yield this.#looked(writing, look)) as number
      this.#size += written
      chunks.advance(written)
    }
  }

  /** After a write that failed half way: takes the beginning of a line out of the file, and back among what is to be written. */
  *mend(chunks: Chunks): Steps {
    if (this.#fd < 0 || !this.isRegular) return
    const back = chunks.rewind()
    if (back === 0) return
    this.#size -= back
    const [fd, size] = [this.#fd, this.#size]
    const look: Look = () => (fs.fstatSync(fd).size === size ? {} : undefined)
    yield { call: 'ftruncate', args: [fd, size], look }
  }

  *open(): Steps {
    if (this.isRegular) this.#own()
    const { mode, clock, symlink } = this.#options
    const args: unknown[] = [this.path, this.isRegular ? flags : flags | O_NONBLOCK, mode]
    const { path } = this
    const opening = { call: 'open', args } as const
    const look: Look = () => (existsSync(path) ? attempt(opening) : undefined)
    let fd: number
    try {
      fd = (yield this.#looked(opening, look)) as number
    } catch (error) {
      if (!this.isRegular || (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      // Its folder was removed, and with it the claim.
      fs.mkdirSync(this.#names.folder, { recursive: true })
      this.#claim = undefined
      yield* this.open()
      return
    }
    const asking = { call: 'fstat', args: [fd] as unknown[] } as const
    const { size, ino, mtimeMs } = (yield this.#looked(asking, () => attempt(asking))) as Stats
    this.#fd = fd
    this.#inode = ino
    this.#size = this.isRegular ? size : 0
    this.#lookedMs = clock.nowMs()
    // What an earlier run has written last tells which period the file is of.
    this.#begin(this.#size > 0 ? mtimeMs : clock.nowMs())
    if (symlink !== undefined && this.slot === 1) link(this.path, join(this.#names.folder, symlink))
  }

  /** Shows other machines that its owner lives. */
  beat(): void {
    this.#claim?.beat()
  }

  close(): void {
    this.#close()
    this.#claim?.release()
    this.#claim = undefined
  }

  /** Takes the first file that no living process has. */
  #own(): void {
    if (this.#claim) return
    for (let slot = 1; !this.#claim; slot++) {
      this.#claim = Claim.take(this.#names.claim(slot))
      this.slot = slot
    }
    for (const name of fs.readdirSync(this.#names.folder)) {
      const { slot, label, number } = this.#names.parse(name) ?? {}
      if (slot !== this.slot || label === undefined || number === undefined) continue
      this.#numbers.set(label, Math.max(number, this.#numbers.get(label) ?? 0))
    }
    endLine(this.path)
  }

  /** At the end of a period: an empty file goes on into the next. */
  *#turn(): Steps {
    if (this.#size > 0) yield* this.#roll()
    else this.#begin(this.#options.clock.nowMs())
  }

  *#roll(): Steps {
    const number = (this.#numbers.get(this.#label) ?? 0) + 1
    const to = this.#names.rolled(this.slot, this.#label, number)
    const look = () => (existsSync(to) ? { result: undefined } : undefined)
    try {
      yield { call: 'rename', args: [this.path, to], look }
      this.#numbers.set(this.#label, number)
      this.onRoll(to)
    } catch (error) {
      // Somebody else has moved or removed it.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
    this.#close()
    yield* this.open()
  }

  *#look(): Steps {
    this.#lookedMs = this.#options.clock.nowMs()
    if (!this.isRegular) return
    try {
      // Where there is no time to wait it is left for the next time.
      const look = () => ({ result: { ino: this.#inode } })
      const { ino } = (yield { call: 'stat', args: [this.path], look }) as Stats
      if (ino === this.#inode) return
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
    this.#close()
  }

  /** A pipe is not waited for, and has nothing to look at. */
  #looked(operation: Pick<Operation, 'call' | 'args'>, look: Look): Operation {
    return { ...operation, look: this.isRegular ? look : undefined }
  }

  #begin(ms: number): void {
    const { every, utc } = this.#options
    this.#label = this.#names.label(every === undefined ? ms : startOf(ms, every, utc))
    this.endMs = every === undefined || !this.isRegular ? Infinity : endOf(ms, every, utc)
  }

  #close(): void {
    if (this.#fd >= 0) fs.close(this.#fd, () => {})
    this.#fd = -1
  }
}

/** A process that was killed while it wrote may have left half a line. */
function endLine(path: string): void {
  const size = fs.statSync(path, { throwIfNoEntry: false })?.size ?? 0
  if (size === 0) return
  const fd = fs.openSync(path, 'a+')
  try {
    const last = Buffer.alloc(1)
    fs.readSync(fd, last, 0, 1, size - 1)
    if (last.toString() !== '\n') fs.writeSync(fd, '\n')
  } finally {
    fs.closeSync(fd)
  }
}

/** Put in place by a rename, so that there is no moment without it. */
function link(path: string, at: string): void {
  const target = basename(path)
  const there = fs.lstatSync(at, { throwIfNoEntry: false })
  if (there?.isSymbolicLink() && fs.readlinkSync(at) === target) return
  if (there && !there.isSymbolicLink()) return
  const beside = `${at}.${process.pid}`
  fs.rmSync(beside, { force: true })
  fs.symlinkSync(target, beside)
  fs.renameSync(beside, at)
}
