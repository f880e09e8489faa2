/** After so many gaps in a row that no message has shown, the connection seems to bring nothing any more. */
const mostSilences = 2

/** The numbers of invalidations, as messages bring them. Each is one above the last; else something may have been missed. */
export class Sequence {
  #last: number | undefined
  #silences = 0

  /** The number of the last message; undefined before there is anything to compare it with. */
  get last(): number | undefined {
    return this.#last
  }

  begin(number: number): void {
    this.#last = number
  }

  /** Takes the number of a message. Says what is missing before it. */
  take(number: number): string | undefined {
    const last = this.#last
    if (last === undefined) return undefined
    this.#last = number
    this.#silences = 0
    return number === last + 1 ? undefined : `the message after ${last} was ${number}`
  }

  /** Takes a number up to which all messages should have come. Says which have not. */
  skipTo(number: number): string | undefined {
    const last = this.#last!
    if (last >= number) return undefined
    this.#last = number
    this.#silences++
    return `messages ${last + 1} to ${number} did not come`
  }

  /** Whether nothing seems to come any more; says so once. */
  takeSilence(): boolean {
    if (this.#silences < mostSilences) return false
    this.#silences = 0
    return true
  }
}
