/** A buffer of lines; what lies from `start` to `end` is still to be written. */
export interface Chunk {
  buffer: Buffer
  start: number
  end: number
}

/** Handing a write to another thread costs as much as ten lines. */
const chunkBytes = 262_144
const newline = 10
const mostSpare = 2
/** Putting many lines into a buffer at once costs two thirds of doing so one by one. */
const textLength = 4_096

/** Lines that are not written yet, in large buffers that are filled in place and used again. */
export class Chunks {
  /** How much was put in, and how much of it was written, in all. */
  pushed: number = 0
  taken: number = 0
  readonly #queue: Chunk[] = []
  readonly #spare: Buffer[] = []
  #last: Chunk | undefined
  /** The last lines, as long as all of them are ASCII. */
  #text = ''

  /** `isAscii` where that is certain: it is copied faster then. */
  push(line: string, isAscii = false): void {
    if (isAscii) {
      this.#text += line
      this.pushed += line.length
      if (this.#text.length >= textLength) this.#settle()
    } else {
      this.#settle()
      this.pushed += this.#put(line, 'utf8')
    }
  }

  /** How much is still to be written. */
  get bytes(): number {
    return this.pushed - this.taken
  }

  get isChunkFull(): boolean {
    return this.#queue.length > 1
  }

  first(): Chunk | undefined {
    this.#settle()
    return this.#queue[0]
  }

  /** What was written of the first chunk, whose buffer is used again once all of it was. */
  advance(length: number): void {
    const first = this.#queue[0]!
    first.start += length
    this.taken += length
    if (first.start === first.end) this.#drop()
  }

  /** Goes back to the beginning of a line that was written in part; by how much. */
  rewind(): number {
    const first = this.#queue[0]
    if (!first || first.start === 0) return 0
    const back = first.start - 1 - first.buffer.lastIndexOf(newline, first.start - 1)
    first.start -= back
    this.taken -= back
    return back
  }

  /** Takes out all there is. */
  *takeAll(): Generator<Buffer> {
    for (let first = this.first(); first; first = this.first()) {
      yield first.buffer.subarray(first.start, first.end)
      this.advance(first.end - first.start)
    }
  }

  #settle(): void {
    if (this.#text === '') return
    this.#put(this.#text, 'latin1')
    this.#text = ''
  }

  #put(text: string, encoding: 'latin1' | 'utf8'): number {
    let last = this.#last
    // UTF-8 takes three bytes at most for each unit of UTF-16.
    if (!last || last.buffer.length - last.end < 3 * text.length) last = this.#grow(text)
    const length = last.buffer.write(text, last.end, encoding)
    last.end += length
    return length
  }

  #grow(text: string): Chunk {
    const isLong = 3 * text.length > chunkBytes
    const buffer = isLong ? Buffer.allocUnsafeSlow(Buffer.byteLength(text)) : this.#spare.pop()
    this.#last = { buffer: buffer ?? Buffer.allocUnsafeSlow(chunkBytes), start: 0, end: 0 }
    this.#queue.push(this.#last)
    return this.#last
  }

  #drop(): void {
    const { buffer } = this.#queue.shift()!
    if (this.#queue.length === 0) this.#last = undefined
    if (buffer.length === chunkBytes && this.#spare.length < mostSpare) this.#spare.push(buffer)
  }
}

/** How much of a chunk are whole lines that fit, if there is room for one. */
export function fitting({ buffer, start, end }: Chunk, room: number): number {
  if (end - start <= room) return end - start
  const last = room <= 0 ? -1 : buffer.lastIndexOf(newline, start + room - 1)
  return last < start ? 0 : last + 1 - start
}

export function firstLine({ buffer, start }: Chunk): number {
  return buffer.indexOf(newline, start) + 1 - start
}

export function countLines(buffer: Buffer): number {
  let count = 0
  for (let at = buffer.indexOf(newline); at >= 0; at = buffer.indexOf(newline, at + 1)) count++
  return count
}
