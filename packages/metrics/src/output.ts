/** A text that is written a piece at a time into memory that is there already: many small buffers are work to collect. */
export class Output {
  #buffer: Buffer
  #length = 0

  /** With room for so many bytes, to begin with. */
  constructor(expectedBytes: number) {
    this.#buffer = Buffer.allocUnsafe(expectedBytes)
  }

  write(text: string): void {
    const mostBytes = 3 * text.length // of UTF-8, for a unit of UTF-16
    if (this.#buffer.length - this.#length < mostBytes) this.#grow(mostBytes)
    this.#length += this.#buffer.write(text, this.#length)
  }

  get written(): Buffer {
    return this.#buffer.subarray(0, this.#length)
  }

  #grow(bytes: number): void {
    const larger = Buffer.allocUnsafe(2 * this.#buffer.length + bytes)
    this.#buffer.copy(larger, 0, 0, this.#length)
    this.#buffer = larger
  }
}
