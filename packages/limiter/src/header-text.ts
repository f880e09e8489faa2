/** V8 takes the arguments of a call from the stack, which is not endless. */
const mostArguments = 8_192

/**
 * The text of a header that is another for each request, put together of character codes. `String.fromCharCode` makes one flat text of
 * them, without a call into V8's runtime. What + gives is a tree of its parts, which each check and write of Node's has V8 flatten first:
 * that cost as much as the decision.
 */
export class HeaderText {
  readonly #codes: number[] = []
  #length = 0

  get isEmpty(): boolean {
    return this.#length === 0
  }

  add(codes: readonly number[]): void {
    for (let i = 0; i < codes.length; i++) this.#codes[this.#length++] = codes[i]!
  }

  /** @param number a whole one, not below 0 */
  addNumber(number: number): void {
    let rest = number
    let end = this.#length + 1
    for (let power = 10; power <= number; power *= 10) end++
    this.#length = end
    for (let at = end - 1; ; at--) {
      const tenth = Math.floor(rest / 10)
      this.#codes[at] = 48 + rest - tenth * 10
      if (tenth === 0) return
      rest = tenth
    }
  }

  /** What was added since the last time. */
  take(): string {
    const codes = this.#codes
    if (codes.length !== this.#length) codes.length = this.#length
    this.#length = 0
    return codes.length > mostArguments ? Buffer.from(codes).toString('latin1') : String.fromCharCode.apply(null, codes)
  }
}

export function codesOf(text: string): readonly number[] {
  return Array.from(text, (letter) => letter.charCodeAt(0))
}
