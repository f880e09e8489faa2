import { type FileHandle, mkdir, open, rename, unlink, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { encode } from './record.js'

interface Write {
  line: Buffer
  resolve(): void
  reject(error: unknown): void
}

/**
 * What must outlive the process, by id: a file that is appended to, and written anew once half of it is out of date. Whoever sets
 * something waits for fdatasync(2), which all that came meanwhile share.
 */
export class Journal {
  readonly #dir: string
  readonly #owner: string
  /** How large the file may get, and what is live in it: a new one is written beside it. */
  readonly #mostBytes: number
  readonly mostLiveBytes: number
  readonly #lines = new Map<string, Buffer>()
  #liveBytes = 0
  #fileBytes = 0
  #number = 0
  #file: FileHandle | undefined
  #queue: Write[] = []
  #writing: Promise<void> | undefined
  #mustRewrite = false

  constructor(dir: string, owner: string, maxBytes: number) {
    this.#dir = dir
    this.#owner = owner
    this.#mostBytes = Math.floor(maxBytes / 2)
    this.mostLiveBytes = Math.floor(maxBytes / 4)
  }

  get fileBytes(): number {
    return this.#fileBytes
  }

  get isEmpty(): boolean {
    return this.#lines.size === 0
  }

  /** How much there would be with this value; the caller makes room where that is above `mostLiveBytes`. */
  liveBytesWith(id: string, value: unknown): number {
    return this.#liveBytes + encode(id, value).length - (this.#lines.get(id)?.length ?? 0)
  }

  /** Resolves once it is on disk. Rejects where that fails; it is then written with the next. */
  set(id: string, value: unknown): Promise<void> {
    const line = encode(id, value)
    this.#liveBytes += line.length - (this.#lines.get(id)?.length ?? 0)
    this.#lines.set(id, line)
    return this.#write(line)
  }

  delete(id: string): Promise<void> {
    const line = this.#lines.get(id)
    if (!line) return Promise.resolve()
    this.#liveBytes -= line.length
    this.#lines.delete(id)
    return this.#write(encode(id, undefined))
  }

  async whenWritten(): Promise<void> {
    await this.#writing
  }

  /** Says that the owner lives, and writes what could not be written before. @returns whether it had to */
  async touch(): Promise<boolean> {
    if (this.#file && !this.#mustRewrite) {
      try {
        await utimes(this.#path(this.#number), new Date(), new Date())
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
        this.#mustRewrite = true // others took the owner for dead, or somebody has tidied up
      }
    }
    if (!this.#mustRewrite) return false
    await this.#write(Buffer.alloc(0))
    return true
  }

  /** What is still live in it is left for whoever comes next. */
  async close(): Promise<void> {
    await this.#writing
    if (this.#mustRewrite && !this.isEmpty) await this.#rewrite().catch(() => {})
    if (!this.#file) return
    await this.#file.close()
    this.#file = undefined
    const path = this.#path(this.#number)
    if (this.isEmpty) await unlink(path)
    else await rename(path, join(this.#dir, `left-${this.#owner}.${this.#number}.journal`))
    await this.#syncDir()
  }

  #write(line: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ line, resolve, reject })
      this.#writing ??= this.#writeAll().finally(() => {
        this.#writing = undefined
      })
    })
  }

  async #writeAll(): Promise<void> {
    while (this.#queue.length > 0) {
      const writes = this.#queue
      this.#queue = []
      try {
        await this.#append(Buffer.concat(writes.map(({ line }) => line)))
        for (const { resolve } of writes) resolve()
      } catch (error) {
        this.#mustRewrite = true
        for (const { reject } of writes) reject(error)
      }
    }
  }

  async #append(lines: Buffer): Promise<void> {
    if (!this.#file || this.#mustRewrite || this.#fileBytes + lines.length > this.#mostBytes) return this.#rewrite()
    await this.#file.appendFile(lines)
    this.#fileBytes += lines.length
    await this.#file.datasync()
  }

  /** All that is live goes into the next file, which takes its name once it is complete. */
  async #rewrite(): Promise<void> {
    const lines = Buffer.concat([...this.#lines.values()])
    const next = this.#number + 1
    const temporary = `${this.#path(next)}.tmp`
    await mkdir(this.#dir, { recursive: true, mode: 0o700 })
    const file = await open(temporary, 'w', 0o600)
    try {
      await file.appendFile(lines)
      await file.datasync()
      await rename(temporary, this.#path(next))
    } catch (error) {
      await file.close()
      await unlink(temporary).catch(() => {})
      throw error
    }
    const before = this.#file
    this.#file = file
    this.#fileBytes = lines.length
    this.#number = next
    this.#mustRewrite = false
    await this.#syncDir()
    await before?.close()
    if (before) await unlink(this.#path(next - 1)).catch(ignoreGone)
  }

  #path(number: number): string {
    return join(this.#dir, `${this.#owner}.${number}.journal`)
  }

  async #syncDir(): Promise<void> {
    const dir = await open(this.#dir, 'r')
    await dir.sync().finally(() => dir.close())
  }
}

/** Others may have taken it. */
function ignoreGone(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error
}
