import { createReadStream, createWriteStream } from 'node:fs'
import { readdir, rename, stat, unlink, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import type { ActiveFile } from './active-file.js'
import { Claim } from './claim.js'
import type { LogName, Names } from './names.js'
import type { RollingOptions } from './options.js'
import { outdated } from './retention.js'

/** How often the age of files is looked at while none is rolled. */
const everyMs = 3_600_000

/** Compresses and removes files that were rolled, also by runs that were killed. One thing at a time, beside all else. */
export class Upkeep {
  readonly #options: RollingOptions
  readonly #names: Names
  readonly #file: ActiveFile
  readonly #stop = new AbortController()
  #running: Promise<void> | undefined
  #isWanted = false
  #cancelNext: (() => void) | undefined
  #trouble: string | undefined
  #hasAdopted = false

  constructor(options: RollingOptions, names: Names, file: ActiveFile) {
    this.#options = options
    this.#names = names
    this.#file = file
  }

  /** Soon, and once more if it is asked for while it runs. */
  run(): void {
    this.#isWanted = true
    this.#running ??= this.#work().finally(() => {
      this.#running = undefined
    })
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    this.#cancelNext?.()
    await this.#running
  }

  async #work(): Promise<void> {
    this.#cancelNext?.()
    while (this.#isWanted && !this.#stop.signal.aborted) {
      this.#isWanted = false
      await this.#step()
    }
    if (this.#stop.signal.aborted) return
    if (this.#options.retain.ageMs < Infinity) this.#cancelNext = this.#options.clock.after(everyMs, () => this.run())
  }

  async #step(): Promise<void> {
    try {
      if (!this.#hasAdopted) await this.#adopt()
      this.#hasAdopted = true
      await this.#compress(this.#file.slot)
      await this.#retain()
      this.#trouble = undefined
    } catch (error) {
      const { message } = error as Error
      // Once, for it will fail again.
      if (message !== this.#trouble && !this.#stop.signal.aborted) this.#options.onTrouble(error as Error)
      this.#trouble = message
    }
  }

  /** Rolls and compresses what processes have left that live no more. */
  async #adopt(): Promise<void> {
    const slots = new Set((await this.#own()).map(({ slot }) => slot))
    slots.delete(this.#file.slot)
    for (const slot of slots) {
      const mine = (await this.#own()).filter((file) => file.slot === slot)
      if (!mine.some(({ label, isZipped }) => label === undefined || (this.#options.gzip && !isZipped))) continue
      const claim = Claim.take(this.#names.claim(slot))
      if (!claim) continue
      try {
        await this.#rollLeftover(slot, mine)
        await this.#compress(slot)
      } finally {
        claim.release()
      }
    }
  }

  async #rollLeftover(slot: number, mine: LogName[]): Promise<void> {
    const path = this.#names.active(slot)
    const { size, mtimeMs } = await stat(path).catch(() => ({ size: -1, mtimeMs: 0 }))
    if (size < 0) return
    if (size === 0) return unlink(path)
    const label = this.#names.label(mtimeMs)
    const numbers = mine.filter((file) => file.label === label).map(({ number }) => number)
    await rename(path, this.#names.rolled(slot, label, Math.max(0, ...numbers) + 1))
  }

  async #compress(slot: number): Promise<void> {
    for (const name of await readdir(this.#names.folder)) {
      if (this.#names.parseUnfinished(name)?.slot === slot) await gone(join(this.#names.folder, name))
    }
    if (!this.#options.gzip) return
    for (const file of await this.#own()) {
      if (file.slot !== slot || file.label === undefined || file.isZipped) continue
      await this.#zip(join(this.#names.folder, file.name))
      // Others must not wait for the end of a long row.
      await this.#retain()
    }
  }

  /** Under its name only once all of it is on the disk. */
  async #zip(path: string): Promise<void> {
    const { signal } = this.#stop
    signal.throwIfAborted()
    const unfinished = this.#names.unfinished(path)
    try {
      const { atime, mtime } = await stat(path)
      const to = createWriteStream(unfinished, { mode: this.#options.mode, flush: true })
      await pipeline(createReadStream(path), createGzip(), to, { signal })
      await utimes(unfinished, atime, mtime)
      await rename(unfinished, `${path}.gz`)
      await gone(path)
    } catch (error) {
      await gone(unfinished)
      // Another process may have found it too old to keep.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }

  async #retain(): Promise<void> {
    const { retain, clock } = this.#options
    if (Object.values(retain).every((most) => most === Infinity)) return
    const files = await Promise.all(
      (await this.#own()).map(async (file) => {
        const path = join(this.#names.folder, file.name)
        const { size, mtimeMs } = await stat(path).catch(() => ({ size: 0, mtimeMs: Infinity }))
        return { ...file, path, size, mtimeMs }
      }),
    )
    for (const path of outdated(files, retain, clock.nowMs())) await gone(path)
  }

  async #own(): Promise<LogName[]> {
    const names = await readdir(this.#names.folder)
    return names.map((name) => this.#names.parse(name)).filter((file) => file !== undefined)
  }
}

async function gone(path: string): Promise<void> {
  try {
    await unlink(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}
