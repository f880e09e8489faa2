/** V8 takes the arguments of a call from the stack, which is not endless. */
const mostArguments = 8_192

const { fromCharCode } = String

const codesOf = (text: string): number[] => Array.from(text, (letter) => letter.charCodeAt(0))

/** `"name";r=99;t=60` as character codes. Most often only a digit or two differ from the last time: those alone are written. */
export class LimitText {
  readonly #codes: number[] = []
  readonly #before: readonly number[]
  #seconds = -1
  /** What remains, with 0 for its last digit. */
  #tens = -10
  /** Where the last digit of what remains is, and the numbers that have as many digits. */
  #last = 0
  #least = 0
  #most = -1

  constructor(name: string) {
    this.#before = codesOf(`"${name}";r=`)
  }

  /**
   * @param remaining a whole number, not below 0, as are the seconds
   * @returns what holds until the next call
   */
  tell(remaining: number, seconds: number): number[] {
    const digit = remaining - this.#tens
    if (digit < 0 || digit > 9 || seconds !== this.#seconds) this.#change(remaining, seconds)
    else this.#codes[this.#last] = 48 + digit
    return this.#codes
  }

  #change(remaining: number, seconds: number): void {
    const tens = Math.floor(remaining / 10)
    if (seconds !== this.#seconds || remaining < this.#least || remaining > this.#most) this.#build(remaining, seconds)
    else {
      let at = this.#last
      this.#codes[at] = 48 + remaining - tens * 10
      for (let rest = tens, old = this.#tens / 10; rest !== old; old = Math.floor(old / 10)) {
        const tenth = Math.floor(rest / 10)
        this.#codes[--at] = 48 + rest - tenth * 10
        rest = tenth
      }
    }
    this.#tens = tens * 10
  }

  #build(remaining: number, seconds: number): void {
    const digits = `${remaining}`
    const all = [...this.#before, ...codesOf(`${digits};t=${seconds}`)]
    this.#codes.length = 0
    for (const code of all) this.#codes.push(code)
    this.#seconds = seconds
    this.#last = this.#before.length + digits.length - 1
    this.#least = digits.length === 1 ? 0 : 10 ** (digits.length - 1)
    this.#most = 10 ** digits.length - 1
  }
}

/**
 * The text of a header that is another for each request. `String.fromCharCode` makes one flat text of character codes, without a call
 * into V8's runtime. What + gives is a tree of its parts, which each check and write of Node's has V8 flatten first.
 */
export function flatText(codes: number[]): string {
  return codes.length > mostArguments ? longText(codes) : fromCharCode.apply(null, codes)
}

const longText = (codes: number[]): string => Buffer.from(codes).toString('latin1')
