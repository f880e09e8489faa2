/** To follow one costs some five times what it costs to let it pass. */
const followedPerSecond = 1_000

/**
 * Chooses the requests of a route that are followed: all of them, up to a thousand a second; of more about so many, at random, each of
 * which stands for several. A window of a second then tells a share of 5 % to within 0.7 %, two times in three; one of a minute to within
 * 0.1 %.
 */
export class Sampler {
  readonly #random: () => number
  /** Requests that each one that is followed stands for, from here on, and those that the next one does. */
  #stride = 1
  #weight = 1
  #left = 1
  /** In this second, by what those that were followed stand for. */
  #seen = 0
  #followed = 0

  constructor(random: () => number = Math.random) {
    this.#random = random
  }

  /** Whether a request is followed. */
  isNext(): boolean {
    return --this.#left <= 0
  }

  /** @returns how many requests stand behind the one that is followed */
  follow(): number {
    const weight = this.#weight
    this.#seen += weight
    // A second that has become busy does not wait for the next one.
    if (++this.#followed % followedPerSecond === 0) this.#stride *= 2
    this.#weight = this.#stride
    this.#left = this.#stride === 1 ? 1 : 1 + Math.floor(this.#random() * (2 * this.#stride - 1))
    return weight
  }

  /** A second has passed. */
  adjust(): void {
    // A pause between two bursts does not have all of the next one followed.
    this.#stride = Math.max(1, Math.round(this.#seen / followedPerSecond), this.#stride >> 1)
    this.#seen = 0
    this.#followed = 0
  }
}
