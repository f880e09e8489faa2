import { appendFile, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** What a channel has refused for good, one JSON line each, for people to look at. The older half goes when it is full. */
export class DeadLetters {
  readonly #path: string
  readonly #mostBytes: number
  #last: Promise<unknown> = Promise.resolve()

  constructor(dir: string, maxBytes: number) {
    this.#path = join(dir, 'dead-letters.jsonl')
    this.#mostBytes = Math.floor(maxBytes / 8) // it is written anew beside the old one
  }

  add(letter: object): Promise<void> {
    const added = this.#last.then(() => this.#add(`${JSON.stringify(letter)}\n`))
    this.#last = added.catch(() => {})
    return added
  }

  async #add(line: string): Promise<void> {
    const bytes = Buffer.byteLength(line)
    if (bytes > this.#mostBytes) return
    const { size } = await stat(this.#path).catch(() => ({ size: 0 }))
    if (size + bytes > this.#mostBytes) await this.#halve()
    await appendFile(this.#path, line, { mode: 0o600 })
  }

  async #halve(): Promise<void> {
    const all = await readFile(this.#path)
    const half = all.subarray(all.indexOf(10, Math.floor(all.length / 2)) + 1)
    await writeFile(`${this.#path}.tmp`, half, { mode: 0o600 })
    await rename(`${this.#path}.tmp`, this.#path)
  }
}
